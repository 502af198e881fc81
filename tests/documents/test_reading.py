"""Documents in YAML and in JSON: the same values, whatever YAML 1.1 would make of them, and no harm."""

import json

import pytest
from serving_lab.documents.reading import UnreadableError, read


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        ("[on, off, yes, no, y, n, On, NO]", ["on", "off", "yes", "no", "y", "n", "On", "NO"]),
        ("[true, False, null, ~, ]", [True, False, None, None]),
        ("[2024-01-31, 2024-01-31T10:00:00Z, 12:30:45]", ["2024-01-31", "2024-01-31T10:00:00Z", "12:30:45"]),
        ("[1, -2, 0x1F, 0o17, 1_000, 1e3, .5, 1., 3.0.0]", [1, -2, 31, 15, "1_000", 1000.0, 0.5, 1.0, "3.0.0"]),
        ("['on', \"1\", !!str 2024-01-31, !!str 1, !!int '3']", ["on", "1", "2024-01-31", "1", 3]),
        ("[!!timestamp 2024-01-31, !!binary aGk=, !ours x]", ["2024-01-31", "aGk=", "x"]),
        ("{200: a, on: b, null: c, 1.0: d}", {"200": "a", "on": "b", "null": "c", "1.0": "d"}),
        ("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\nf: {<<: [*x, {b: 2, g: 3}], b: 0}", {
            "a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}, "f": {"b": 0, "g": 3},
        }),
        ("a: >\n  folded\n  text\nb: |\n  two\n  lines\n", {"a": "folded text\n", "b": "two\nlines\n"}),
        ("%YAML 1.1\n---\na: on\n...\n", {"a": "on"}),
        ("{'a': 1, a: 2}", {"a": 2}),
        ("", None),
    ],
)  # fmt: skip
def test_yaml_means_what_its_json_form_means(yaml: str, value: object) -> None:
    assert read(yaml.encode()) == value
    assert read(json.dumps(value).encode()) == value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", ['{"a": "é"}', "a: é\n"])
def test_unicode_is_read_in_any_of_its_forms(text: str, encoding: str) -> None:
    assert read(text.encode(encoding)) == {"a": "é"}


@pytest.mark.parametrize("text", ["[" * 1900 + "]" * 1900, "- " * 1900 + "x"])
def test_what_is_deeper_than_python_likes_is_read(text: str) -> None:
    value = read(text.encode())
    while isinstance(value, list) and value:
        (value,) = value

    assert value in ([], "x")


BOMB = b"a: &a [x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c, *%c, *%c, *%c]\n" % (number, number, *[number - 1] * 5) for number in b"bcdefghijk"
)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a: [", "line 2: "),
        (b'{"a": 1,, "b": 2}', "Illegal trailing comma|Expecting property name"),
        (b"a: 1\n--- \nb: 2\n", "line 2: a second document begins here"),
        (b"a: &x\n  - *x\n", r"line 2: \*x stands for nothing, or for what holds it"),
        (b"? [a]\n: 1\n", "line 1: a key is a text in JSON"),
        (b"\xff\xfe\x00", "."),
        (b"a: !!python/object/apply:os.system [x]\n- b", "line 2: "),
        (b"[" * 100_000, "line 1: it is nested more than 2,000 levels deep"),
        (BOMB, "line 10: with its aliases written out, it has more than 2,000,000 values"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_a_line(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why) as caught:
        read(content)

    assert "\n" not in str(caught.value)


def test_tags_of_python_are_no_more_than_tags() -> None:
    assert read(b"a: !!python/object/apply:os.system [x]\n") == {"a": ["x"]}


def test_numbers_of_thousands_of_digits_are_read_roughly() -> None:
    assert read(b"[" + b"9" * 5000 + b"]") == read(b"- " + b"9" * 5000) == [float("inf")]
