"""A server that answers with its name and the headers that reached it; it is ready at every path, or at a given one."""

import http.server
import json
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer

    def do_GET(self) -> None:
        headers = {name.lower(): self.headers.get_all(name) for name in self.headers}
        body = json.dumps(headers).encode()
        ready = self.path != "/ready" or not sys.argv[3:] or sys.argv[3] == self.path
        self.send_response(200 if ready else 404)
        self.send_header("Answered-By", sys.argv[1])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Keep quiet: HAProxy resets the connections of its checks."""


Server(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
