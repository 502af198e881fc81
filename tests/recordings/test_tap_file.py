"""The recording of `lab tap`: what is written is read, up to where the file breaks off, and while it grows."""

import threading
from pathlib import Path

import pytest
from made.tapped import side, tapped
from serving_lab.errors import LabError
from serving_lab.recordings import tap_file
from serving_lab.recordings.tap_file import MAGIC, End, Head, Tapped, TappedRequest
from serving_lab.wire.message import Ending

HEAD = Head(1_700_000_000.0, "http://old:1", "http://new:2")


def written(path: Path, *exchanges: Tapped, end: bool = True) -> Path:
    records: list[Head | Tapped | End] = [HEAD, *exchanges, *([End(len(exchanges), 0)] if end else [])]
    path.write_bytes(MAGIC + b"".join(map(tap_file.frame, records)))
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    exchanges = [tapped(), tapped(candidate=side(status=500), again=side(body=b"\x00\xff"))]

    path = written(tmp_path / "live.tap", *exchanges)

    assert list(tap_file.read(path)) == exchanges
    assert tap_file.read_head(path) == HEAD
    assert tap_file.is_tap_file(path)


def test_a_file_that_breaks_off_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    exchanges = [tapped(), tapped()]
    content = written(tmp_path / "whole.tap", *exchanges, end=False).read_bytes()
    first = len(MAGIC) + len(tap_file.frame(HEAD)) + len(tap_file.frame(exchanges[0]))

    for length in range(len(MAGIC), len(content) + 1):
        path = tmp_path / "cut.tap"
        path.write_bytes(content[:length])

        assert len(list(tap_file.read(path))) == (length >= first) + (length == len(content))


def test_it_is_followed_while_it_grows_until_its_end(tmp_path: Path) -> None:
    path = tmp_path / "growing.tap"
    content = written(tmp_path / "whole.tap", *[tapped() for _ in range(20)]).read_bytes()
    found: list[Tapped] = []

    def grow() -> None:
        with path.open("ab", buffering=0) as stream:
            for at in range(0, len(content), 97):
                stream.write(content[at : at + 97])

    def read() -> None:
        found.extend(tap_file.follow(path, lambda: False, look_seconds=0.001))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    grow()
    reading.join(10)

    assert not reading.is_alive()
    assert len(found) == 20


def test_following_ends_when_it_is_stopped_with_all_that_was_written(tmp_path: Path) -> None:
    path = written(tmp_path / "live.tap", tapped(), end=False)

    assert len(list(tap_file.follow(path, lambda: True))) == 1
    assert list(tap_file.follow(tmp_path / "never.tap", lambda: True)) == []


@pytest.mark.parametrize("content", [b"", b"{}", b"serving-lab.tap/2\n"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)

    with pytest.raises(LabError, match="is not a recording of lab tap"):
        list(tap_file.read(path))
    assert not tap_file.is_tap_file(path)


def test_damage_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "damaged.tap"
    path.write_bytes(MAGIC + b"\x00\x00\x00\x01\xff")

    with pytest.raises(LabError, match="is damaged at byte 18"):
        list(tap_file.read(path))


def test_an_exchange_is_what_other_parts_of_the_lab_compare() -> None:
    exchange = side(headers=(("Content-Type", "text/plain"),), body=b"hello").exchange

    assert exchange.answers[0].header("content-type") == "text/plain"
    assert exchange.ending is Ending.KEPT
    assert side(status=0, ending=Ending.RESET).exchange.answers == ()


def test_a_request_is_sent_again_without_what_was_for_one_connection() -> None:
    headers = (("Host", "old"), ("Connection", "close, X-Hop"), ("X-Hop", "1"), ("Accept", "*/*"), ("Expect", "100"))

    request = TappedRequest("PUT", "/a?b", "HTTP/1.1", headers, b"body", 4).request

    assert (request.method, request.target, request.headers, request.body) == (
        "PUT",
        "/a?b",
        (("Accept", "*/*"),),
        b"body",
    )
