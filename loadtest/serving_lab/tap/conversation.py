"""What is said on one connection: requests and answers, from the bytes that pass by in both directions. No I/O."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from serving_lab.tap import heads
from serving_lab.tap.framing import Reader
from serving_lab.tap.heads import Message, UnreadableError
from serving_lab.wire.message import Ending

_SWITCHING = 101
_TUNNEL = "CONNECT"
_MOST_HELD_BYTES = 1 << 20
"""Of a client that does not wait for the answer to its wish to switch protocols."""


@dataclass(slots=True)
class Seen:
    """One exchange that is over. Times are of the clock of who feeds."""

    number: int
    request: Message
    answer: Message | None
    """None: there was none. Its end is None where it broke off."""
    ended: float
    ending: Ending
    """What became of the connection."""
    by_client: bool = False
    """Whether the client went away before the answer was complete: that says nothing of the service."""
    bytes_up: int = 0
    bytes_down: int = 0
    """After a switch to another protocol."""


class Conversation:
    """Both directions of a connection.

    Args:
        room: How many bytes of a body are kept.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._requests = Reader(self._begin_request)
        self._answers = Reader(self._begin_answer)
        self._open: deque[Message] = deque()
        """Requests whose answers are not complete, in order; the last one may still be on its way."""
        self._number = 0
        self._switched: Seen | None = None
        self._held: bytes = b""
        """What a client sent behind its wish to switch protocols."""
        self._waits = False
        """Whether that wish is not answered."""
        self._over = False
        self.unreadable: str | None = None
        """Why nothing can be said of what passes by any more."""

    def client_sent(self, data: bytes, now: float) -> None:
        """Take what the client sent."""
        if self._switched is not None:
            self._switched.bytes_up += len(data)
        elif self._waits:
            self._held += data
            if len(self._held) > _MOST_HELD_BYTES:
                self._give_up("too much behind the wish to switch protocols")
        elif self.unreadable is None and not self._over:
            try:
                for message in self._requests.feed(data, now):
                    if message.upgrades or message.method == _TUNNEL:
                        self._waits, self._held = True, self._requests.rest()
                        break
            except UnreadableError as error:
                self._give_up(f"a request: {error}")

    def sends(self, request: Message) -> None:
        """Take a whole request that is known already, in place of its bytes."""
        self._open.append(request)

    def server_sent(self, data: bytes, now: float) -> list[Seen]:
        """Take what the service sent, and return the exchanges that are complete by that."""
        if self._switched is not None:
            self._switched.bytes_down += len(data)
            return []
        if self.unreadable is not None or self._over:
            return []
        found = []
        try:
            for message in self._answers.feed(data, now):
                if seen := self._complete(message, now):
                    found.append(seen)
                if self._switched is not None:
                    self._switched.bytes_down = len(self._answers.rest())
                    break
        except UnreadableError as error:
            self._give_up(f"an answer: {error}")
        return found

    def server_closed(self, now: float, *, reset: bool = False) -> list[Seen]:
        """The service has ended the connection: the exchanges that are over by that."""
        found = list(self._switched_one(now))
        if not reset and (message := self._answers.end(now)) and (seen := self._complete(message, now)):
            found.append(seen)
        return [*found, *self._unanswered(now, Ending.RESET if reset else Ending.CLOSED)]

    def client_closed(self, now: float) -> list[Seen]:
        """The client has gone: the exchanges that are over by that."""
        found = list(self._switched_one(now))
        for seen in self._unanswered(now, Ending.UNFINISHED):
            seen.by_client = True
            found.append(seen)
        return found

    @property
    def asked(self) -> Message | None:
        """The request whose answer is due next."""
        return self._open[0] if self._open else None

    @property
    def answering(self) -> bool:
        """Whether an answer has begun that is not complete."""
        return not self._answers.idle

    @property
    def busy(self) -> bool:
        """Whether anything has begun that is not over."""
        return self._switched is not None or bool(self._open) or not self._requests.idle

    def _begin_request(self, head: bytes, begun: float) -> tuple[Message, int | None]:
        message, length = heads.request(head, begun, self._room)
        self._open.append(message)
        return message, length

    def _begin_answer(self, head: bytes, begun: float) -> tuple[Message, int | None] | None:
        if not self._open:
            raise UnreadableError("nothing was asked")
        return heads.answer(head, begun, self._room, self._open[0].method)

    def _complete(self, message: Message, now: float) -> Seen | None:
        """An answer is complete; None where the connection now speaks another protocol."""
        request = self._open.popleft()
        # A service that answers before it has read everything does not read on: it closes.
        kept = message.keeps and request.keeps and request.ended is not None
        seen = Seen(self._number, request, message, now, Ending.KEPT if kept else Ending.CLOSED)
        self._number += 1
        if message.status == _SWITCHING or (request.method == _TUNNEL and 200 <= message.status < 300):
            self._waits, self._switched = False, seen
            seen.bytes_up, self._held = len(self._held), b""
            return None
        if self._waits and not self._open:
            self._waits = False
            held, self._held = self._held, b""
            self.client_sent(held, now)
        return seen

    def _switched_one(self, now: float) -> Iterator[Seen]:
        if self._switched is not None:
            self._switched.ended, self._switched.ending = now, Ending.CLOSED
            yield self._switched
            self._switched, self._over = None, True

    def _unanswered(self, now: float, ending: Ending) -> Iterator[Seen]:
        if self.unreadable is not None or self._over:
            return
        partial = self._answers.message
        while self._open:
            yield Seen(self._number, self._open.popleft(), partial, now, ending)
            self._number += 1
            partial = None
        self._over = True

    def _give_up(self, why: str) -> None:
        self.unreadable = why
        self._open.clear()
