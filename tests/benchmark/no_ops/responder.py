"""A socket without a server: it answers whatever arrives, unread. What loads it is then the slower one."""

import select
import socket
import sys

_BODY = b'{"prediction":152.5,"cached":false,"model_version":"1.0.0"}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_LARGEST_REQUEST = 65536


def main(port: int) -> None:
    """Answer until killed; each request must arrive in one piece, as small ones do on one machine."""
    listener = socket.create_server(("127.0.0.1", port))
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    connections: dict[int, socket.socket] = {}
    buffer = bytearray(_LARGEST_REQUEST)
    while True:
        for file, _ in poll.poll():
            if file == listener.fileno():
                connection, _ = listener.accept()
                connections[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
                continue
            try:
                if connections[file].recv_into(buffer):
                    connections[file].send(_ANSWER)
                    continue
            except ConnectionError:
                pass
            poll.unregister(file)
            connections.pop(file).close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
