"""Noise within texts and in the structure: nothing of it is a difference, and nothing beside it is lost."""

import itertools
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime

import pytest
from serving_lab.parity.judgement.difference import DifferenceKind as Kind

from parity.noisy import Content, Noisy, Plant, drawn, in_field, in_header, judged, learned, replaced


def a_day(service: Noisy, content: Content) -> Content:
    expires = format_datetime(service.now + timedelta(days=1), usegmt=True)
    return replaced("Set-Cookie", "Expires=[^;]+", f"Expires={expires}")(service, content)


def frozen(name: str) -> Plant:
    first: dict[str, object] = {}
    return in_field(name, lambda value: first.setdefault(name, value))


ROUNDS: tuple[Mapping[tuple[Kind, str], Plant], ...] = (
    {
        (Kind.HEADER_VALUE, "header etag"): replaced("ETag", "^W/", ""),
        (Kind.HEADER_VALUE, "header set-cookie"): replaced("Set-Cookie", "; HttpOnly", ""),
        (Kind.HEADER_VALUE, "header link"): replaced("Link", "next", "prev"),
        (Kind.HEADER_VALUE, "header content-security-policy"): replaced("Content-Security-Policy", "'none'", "'self'"),
        (Kind.FORM, "header x-request-id"): drawn("X-Request-ID", lambda service: service.hexadecimal(32)),
        (Kind.HEADER_VALUE, "header traceparent"): replaced("Traceparent", "01$", "00"),
        (Kind.HEADER_VALUE, "header server-timing"): replaced("Server-Timing", "app", "total"),
        (Kind.HEADER_MISSING, "header x-ratelimit-remaining"): in_header("X-RateLimit-Remaining", lambda _: None),
        (Kind.CLOCK, "header date"): drawn("Date", lambda s: format_datetime(s.now + timedelta(hours=2), usegmt=True)),
        (Kind.CONSTANT, "header x-cache"): in_header("X-Cache", lambda _: None),
        (Kind.TEXT, "$.url"): replaced("url", "files", "file"),
        (Kind.TEXT, "$.signed"): replaced("signed", "v=2", "v=3"),
        (Kind.FORM, "$.token"): drawn("token", lambda service: service.token(7200)),
        (Kind.FORM, "$.short"): in_field("short", str.upper),
        (Kind.FORM, "$.created"): in_field("created", lambda value: value[:-9] + value[-6:]),
        (Kind.FORM, "$.epoch_ms"): in_field("epoch_ms", lambda value: value // 1000),
        (Kind.FORM, "$.took_ms"): in_field("took_ms", lambda value: value + 0.000123),
        (Kind.FORM, "$.by_id"): drawn("by_id", lambda s: {str(s.random.randint(1, 999)): {"n": 1, "kind": "a"}}),
        (Kind.TEXT, "$.items[*].name"): in_field("items", lambda rows: [row | {"name": "Thing"} for row in rows]),
        (Kind.TEXT, "$.maybe"): in_field("maybe", lambda value: value and "here"),
        (Kind.TEXT, "$.message"): replaced("message", "3 items", "4 items"),
        (Kind.TEXT, "$.page"): replaced("page", 'value="5"', 'value="6"'),
        (Kind.TEXT, "$.events[*].what"): in_field("events", lambda rows: [row | {"what": "out"} for row in rows]),
        (Kind.TEXT, "$.order"): replaced("order", "ORD", "ORDER"),
        (Kind.FORM, "$.cursor"): drawn("cursor", lambda service: service.hexadecimal(44)),
        (Kind.FORM, "$.color"): in_field("color", str.upper),
        (Kind.TEXT, "$.peer"): replaced("peer", "127.0.0.1", "127.0.0.2"),
        (Kind.TEXT, "$.pod"): replaced("pod", "api", "web"),
        (Kind.TEXT, "$.tags[*]"): in_field("tags", lambda tags: [tag if tag != "d" else "e" for tag in tags]),
        (Kind.NUMBER, "$.nested.total"): in_field("nested", lambda value: value | {"total": 6}),
        (Kind.TEXT, "$.uptime"): replaced("uptime", "s$", "ms"),
        (Kind.TYPE, "$.quote"): in_field("quote", lambda _: 5),
    },
    {
        (Kind.FORM, "header etag"): drawn("ETag", lambda service: f'W/"{service.random.randint(1, 10**6)}"'),
        (Kind.HEADER_VALUE, "header set-cookie"): replaced("Set-Cookie", "3600", "60"),
        (Kind.HEADER_VALUE, "header link"): replaced("Link", "/files/", "/docs/"),
        (Kind.HEADER_VALUE, "header content-security-policy"): replaced(
            "Content-Security-Policy", " 'nonce-[^']+'", ""
        ),
        (Kind.CONSTANT, "header x-request-id"): in_header(
            "X-Request-ID", lambda _: "123e4567-e89b-42d3-a456-426614174000"
        ),
        (Kind.FORM, "header x-ratelimit-remaining"): in_header("X-RateLimit-Remaining", lambda value: f"{value}.0"),
        (Kind.HEADER_VALUE, "header x-cache"): in_header("X-Cache", lambda _: "hit"),
        (Kind.FORM, "$.url"): drawn("url", lambda service: f"/files/{service.random.randint(1, 99999)}"),
        (Kind.CLOCK, "$.signed"): replaced("signed", "Expires=17", "Expires=18"),
        (Kind.FORM, "$.short"): drawn("short", lambda service: f"{service.random.randint(0, 999_999):06d}"),
        (Kind.FORM, "$.created"): replaced("created", r"\+00:00", "Z"),
        (Kind.NUMBER_TYPE, "$.epoch_ms"): in_field("epoch_ms", float),
        (Kind.FORM, "$.took_ms"): in_field("took_ms", lambda value: round(value, 1)),
        (Kind.NUMBER, "$.by_id[*].n"): in_field("by_id", lambda rows: {key: {"n": 2, "kind": "a"} for key in rows}),
        (Kind.CONSTANT, "$.items"): in_field("items", lambda _: []),
        (Kind.TYPE, "$.maybe"): in_field("maybe", lambda value: value and 5),
        (Kind.FORM, "$.message"): replaced("message", r"(\d) (\d\d:)", r"\1T\2"),
        (Kind.TEXT, "$.page"): replaced("page", "/pay", "/buy"),
        (Kind.LENGTH, "$.events"): in_field("events", lambda rows: rows[:2]),
        (Kind.FORM, "$.order"): drawn("order", lambda s: f"ORD-20261128-{s.random.randint(0, 999)}"),
        (Kind.TEXT, "$.nested.etag"): in_field("nested", lambda value: value | {"etag": f"W/{value['etag']}"}),
        (Kind.FORM, "$.uptime"): replaced("uptime", r"\.(\d).*", r".\1s"),
        (Kind.TEXT, "$.note"): in_field("note", lambda _: "Sometimes"),
    },
    {
        (Kind.CLOCK, "header set-cookie"): a_day,
        (Kind.TYPE, "$.short"): drawn("short", lambda service: service.random.randint(0, 999_999)),
        (Kind.CONSTANT, "$.created"): frozen("created"),
        (Kind.FORM, "$.signed"): replaced("signed", r"(Expires=\d+)", r"\g<1>000"),
        (Kind.EXTRA, "$.items[*].more"): in_field("items", lambda rows: [row | {"more": 1} for row in rows]),
        (Kind.CONSTANT, "$.maybe"): in_field("maybe", lambda _: "there"),
        (Kind.TEXT, "$.message"): replaced("message", "taken", "accepted"),
        (Kind.TEXT, "$.order"): replaced("order", "2026", "26"),
        (Kind.CONSTANT, "$.note"): lambda _, content: Content(
            content.headers, {name: value for name, value in content.body.items() if name != "note"}
        ),
    },
)


def test_two_instances_of_one_program_do_not_differ() -> None:
    primary, candidate = Noisy(1), Noisy(2)

    book = learned(primary, candidate, 6)

    assert [*judged(book, primary, candidate, 60)] == []
    assert len({place.where for place in book.noise.fields}) >= 33


@pytest.mark.parametrize("planted", ROUNDS, ids=itertools.count(1))
def test_each_difference_that_is_planted_beside_noise_is_found_and_named_at_its_place(
    planted: Mapping[tuple[Kind, str], Plant],
) -> None:
    primary, candidate = Noisy(1), Noisy(2, *planted.values())

    found = {(each.kind, each.where) for each in judged(learned(primary, candidate, 6), primary, candidate, 60)}

    assert found == set(planted)
