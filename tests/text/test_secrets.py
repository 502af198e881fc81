"""Secrets in texts that people see."""

import pytest
from serving_lab.text.secrets import Secrets, without_tokens

LONG = "7f3a9c0de1b24f58"
SECRETS = Secrets.of([("token", LONG), ("SHOP_PASSWORD", 'let "me" in'), ("PIN", "4711"), ("short", "abc")])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"Bearer {LONG}", "Bearer <token>"),
        (f"sid{LONG}x", "sid<token>x"),
        ('{"password": "let \\"me\\" in"}', '{"password": "<SHOP_PASSWORD>"}'),
        ("pin 4711, order 147112", "pin <PIN>, order 147112"),
        ("abc", "abc"),
        (f"Bearer {LONG[:7]}…", "Bearer <token>…"),
        (f"…{LONG[5:]} and more", "…<token> and more"),
        (f"…{LONG[5:]}…", "…<token>…"),
        ("a long text…", "a long text…"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2ln;", "<token>;"),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOi…", "Bearer <token>…"),
        ("cursor eyJpZCI6MX0", "cursor eyJpZCI6MX0"),
    ],
)
def test_they_are_masked_whole_and_where_a_text_was_cut_within_one(text: str, masked: str) -> None:
    assert SECRETS.masked(text) == masked


def test_a_value_with_what_a_pattern_would_take_for_its_own_is_one_all_the_same() -> None:
    assert Secrets.of([("p", r"a\1.*")]).masked(r"x a\1.* y") == "x <p> y"
    assert without_tokens("nothing") == "nothing"
