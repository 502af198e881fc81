"""What must not be written into a file: values that open a service. Variables of the environment stand for them."""

import re
from typing import Any
from urllib.parse import unquote

from serving_lab.recordings.recording import Recorded

_WORDS = frozenset(
    {
        *("auth", "authorization", "cookie", "credential", "credentials", "csrf", "csrftoken", "jwt", "otp", "pass"),
        *("passcode", "passphrase", "passwd", "password", "pin", "pw", "pwd", "secret", "sid", "sig", "signature"),
        *("sessionid", "token", "xsrf"),
    }
)
_PARTS = re.compile(r"passw|secret|api_?key|access_?key|private_?key|token$|session_?id|_session$|^session$")
_OTHER_KEYS = re.compile(r"(?:idempotency|dedup\w*|cache|surrogate|routing|partition|sort|message)_?key$")
_OF_OTHERS = re.compile(r"csrf|xsrf|^proxy-|^sec-", re.IGNORECASE)
"""In headers that are called like secrets, and that let nobody in."""
_OF_NUMBERS = frozenset({"otp", "passcode", "password", "pin", "pwd"})
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_KNOWN = re.compile(
    r"(?:sk|pk|rk)_(?:live|test)_\w{8,}|sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}"
)
"""Forms that some services give their secrets."""
_SCHEME = re.compile(r"(Bearer|Basic|Token|ApiKey|Digest) +\S.*", re.IGNORECASE | re.DOTALL)
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.+/=-]{16,}")
_LONG = 6
"""Characters from which a value is a secret wherever it stands; what is shorter occurs everywhere."""
_QUOTED_PLACE = re.compile(r"(?:\$|%24)%7B(env(?::|%3A)\w+)%7D", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{(?:env:)?\w*\}")


def is_secret(name: str) -> bool:
    """Whether what has this name opens something."""
    snake = _snake(name)
    return bool(_WORDS & set(snake.split("_")) or _PARTS.search(snake)) and not snake.endswith(("_type", "_count"))


def is_secret_header(name: str) -> bool:
    """Whether what a header of this name has opens something: `Ocp-Apim-Subscription-Key`."""
    return is_secret(name) or _is_key(name, "key")


def had_credentials(recorded: Recorded) -> bool:
    """Whether a request was recorded with something that lets it in."""
    return recorded.auth is not None or any(lets_in(pair.name) for pair in recorded.request.headers)


def lets_in(name: str) -> bool:
    """Whether a header of this name lets a request in: `X-CSRF-Token` and `Idempotency-Key` do not."""
    return is_secret_header(name) and not _OF_OTHERS.search(name)


def variable(name: str) -> str:
    """The variable of the environment for what has this name: `x-api-key` is API_KEY."""
    words = [word for word in _snake(name).split("_") if word] or ["secret"]
    while len(words) > 1 and words[0] in {"x", "api"}:
        del words[0]
    return f"API_{'_'.join(words).upper()}"


def place(name: str) -> str:
    """What stands for a variable of the environment in a file."""
    return f"${{env:{name}}}"


def places_in_url(url: str) -> str:
    """The URL with what stands for variables as it was before it was percent-encoded."""
    return _QUOTED_PLACE.sub(lambda found: f"${{{unquote(found[1])}}}", url)


class Hidden:
    """The secrets that were found, and what stands for each."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}

    def note(self, value: object, stands_for: str) -> None:
        """Note a secret: `stands_for` is written in its place wherever it is."""
        if isinstance(value, str) and value and not _VARIABLE.fullmatch(value):
            self._places.setdefault(value, stands_for)

    def note_all(self, value: Any, named: str = "") -> None:  # noqa: ANN401 - JSON
        """Note the secrets in a JSON value, by the names of its members."""
        match value:
            case dict():
                for key, member in value.items():
                    self.note_all(member, key)
            case list():
                for item in value:
                    self.note_all(item, named)
            case str() if named and is_secret(named):
                self.note(value, place(variable(named)))

    def text(self, text: str) -> str:
        """The text without secrets."""
        for value, stands_for in sorted(self._places.items(), key=lambda item: -len(item[0])):
            if len(value) >= _LONG:
                text = text.replace(value, stands_for)
        text = _JWT.sub(place("API_TOKEN"), text)
        return _KNOWN.sub(place("API_KEY"), text)

    def member(self, name: str, value: str) -> str:
        """The value of what has a name (a field, a parameter, a header), without secrets."""
        named = is_secret(name) or (_is_key(name, "key", "appid") and _RANDOM.fullmatch(value) is not None)
        if value in self._places and named:
            return self._places[value]
        hidden = self.text(value)
        if not named or _VARIABLE.search(hidden) or not value:
            return hidden
        scheme = _SCHEME.fullmatch(value)
        return f"{scheme[1]} {place(variable('token'))}" if scheme else place(variable(name))

    def header(self, name: str, value: str) -> str:
        """The value of a header, without secrets."""
        hidden = self.member(name, value)
        return place(variable(name)) if value and hidden == value and is_secret_header(name) else hidden

    def json(self, value: Any, named: str = "") -> Any:  # noqa: ANN401 - JSON
        """The JSON value without secrets."""
        match value:
            case dict():
                return {self.text(key): self.json(member, key) for key, member in value.items()}
            case list():
                return [self.json(item, named) for item in value]
            case str():
                return self.member(named, value) if named else self.text(value)
            case int() | float() if not isinstance(value, bool) and _OF_NUMBERS & set(_snake(named).split("_")):
                return place(variable(named))
        return value


def _is_key(name: str, *endings: str) -> bool:
    return name.lower().endswith(endings) and not _OTHER_KEYS.search(_snake(name))


def _snake(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", _HUMP.sub("_", name).lower()).strip("_")
