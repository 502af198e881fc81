"""Frames as they pass by, against those that the package websockets writes."""

import pytest
from serving_lab.tap.websocket_frames import GOING_AWAY, NO_STATUS, Frames, Message, Opcode, close_frame
from websockets import frames as reference
from websockets.frames import Close, Frame

PAYLOADS = [b"", b"x", b"y" * 125, b"z" * 126, bytes(range(256)) * 280]


def written(opcode: int, payload: bytes, *, mask: bool, fin: bool = True) -> bytes:
    return Frame(reference.Opcode(opcode), payload, fin).serialize(mask=mask)


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("size", [1, 3, 100, 1_000_000])
def test_every_message_is_seen_however_its_bytes_are_cut(mask: bool, size: int) -> None:
    stream = b"".join(written(Opcode.BINARY, payload, mask=mask) for payload in PAYLOADS)
    frames = Frames()

    passed = b"".join(piece for at in range(0, len(stream), size) for piece in frames.pieces(stream[at : at + size]))

    assert passed == stream
    assert frames.taken() == [Message(Opcode.BINARY, payload) for payload in PAYLOADS]
    assert frames.taken() == []
    assert (frames.messages, frames.at_boundary, frames.close_code) == (len(PAYLOADS), True, None)


def test_a_message_in_fragments_with_a_ping_between_is_one_message() -> None:
    stream = (
        written(Opcode.TEXT, b"one ", mask=True, fin=False)
        + written(Opcode.PING, b"still there?", mask=True)
        + written(Opcode.CONTINUATION, b"message", mask=True)
    )
    for size in range(1, len(stream) + 1):
        frames = Frames()
        for at in range(0, len(stream), size):
            list(frames.pieces(stream[at : at + size]))
        assert frames.taken() == [Message(Opcode.TEXT, b"one message")]


def test_a_piece_ends_where_a_frame_does() -> None:
    parts = [written(Opcode.TEXT, payload, mask=False) for payload in PAYLOADS[:4]]
    frames = Frames()

    assert list(frames.pieces(b"".join(parts))) == parts
    list(frames.pieces(written(Opcode.TEXT, b"abc", mask=False)[:3]))
    assert not frames.at_boundary


@pytest.mark.parametrize(("payload", "code"), [(Close(1011, "oh").serialize(), 1011), (b"", NO_STATUS)])
def test_the_code_of_a_close_frame_is_known(payload: bytes, code: int) -> None:
    frames = Frames()
    list(frames.pieces(written(Opcode.CLOSE, payload, mask=True)))

    assert frames.close_code == code
    assert frames.taken() == []


def test_the_lab_s_own_close_frame_is_one() -> None:
    frames = Frames()
    list(frames.pieces(close_frame(GOING_AWAY)))

    assert close_frame(GOING_AWAY) == written(Opcode.CLOSE, Close(GOING_AWAY, "").serialize(), mask=False)
    assert frames.close_code == GOING_AWAY


def test_a_long_message_passes_by_whole_and_is_kept_in_part() -> None:
    stream = written(Opcode.BINARY, b"a" * (3 << 20), mask=True)
    frames = Frames()

    pieces = [piece for at in range(0, len(stream), 65536) for piece in frames.pieces(stream[at : at + 65536])]

    assert sum(map(len, pieces)) == len(stream)
    assert frames.taken() == [Message(Opcode.BINARY, b"a" * (1 << 20))]


def test_any_bytes_at_all_pass_by_unchanged() -> None:
    for noise in (bytes([a, b]) * 40 for a in range(0, 256, 5) for b in range(0, 256, 7)):
        frames = Frames()
        assert b"".join(frames.pieces(noise)) == noise
