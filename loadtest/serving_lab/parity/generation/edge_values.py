"""Values that two services are known to read differently."""

from serving_lab.api.request import Header
from serving_lab.parity.generation.jsontext import Literal

NUMBERS = (
    *("0", "-0", "0.0", "-0.0", "1", "-1", "1.0", "0.1", "1e2", "1E+2", "1e-7", "5e-324", "1e-400", "1e308", "1e400"),
    *(
        "1.7976931348623157e308",
        "1e309",
        "-1e400",
        "100",
        "999.9999999999999",
        "1000",
        "1000.0",
        "1e3",
        "1001",
        "-1000",
    ),
    *("1000.0000000000001", "-1000.0000000000001", "-1001", "2147483648", "9007199254740993", "9223372036854775807"),
    *("9223372036854775808", "18446744073709551616", "0.30000000000000004", "0.1000000000000000055511151231257827"),
)
HUGE_NUMBERS = ("9" * 400, "1" + "0" * 4400, "-" + "9" * 5000, "0." + "3" * 1000)
NOT_JSON = (
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "None",
        "True",
        "undefined",
        "nul",
        "",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "0x10",
    ),
    *("1_000", "--1", "'a'", '"', '"\\x"', '"\\u12"', '"a\tb"', "[1,]", "{a: 1}", "{,}", "[", "}"),
)
TEXTS = (
    *(
        "",
        " ",
        "0",
        "1",
        "1.5",
        "-1e3",
        "NaN",
        "true",
        "null",
        "None",
        "a",
        "A",
        "[]",
        "{}",
        "é",
        "e\u0301",
        "日本語",
        "😀",
    ),
    *(
        "\u0000",
        "a\u0000b",
        "\n",
        "\t",
        "\u007f",
        "\u0085",
        "\u2028",
        "\u202e",
        "\ufeff",
        "\ufffd",
        "\ud800",
        "\udc00\ud800",
    ),
    *("<script>", "'; --", "../..", "%00", "%s", "{{7*7}}", "\\", '"', "a" * 255, "é" * 3000, "\uff12", "\u0661"),
)
NESTED = tuple(
    Literal(opening * depth + inside + closing * depth)
    for depth in (10, 60, 400, 1100, 50_000)
    for opening, inside, closing in (("[", "", "]"), ('{"a":', "1", "}"))
)
BYTES = (
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\x00", b"\x1f", b"\x0b", b"\x0c", b"\xc2\xa0", b"\xef\xbb\xbf"),
    *(
        b",",
        b"}",
        b"]",
        b'"',
        b":",
        b"\\",
        b"'",
        b"/**/",
        b"//\n",
        b"-",
        b".",
        b"x",
        b"{}",
        b" ",
        b"\r\n",
        b"\t",
        b"\xff\xfe",
    ),
)
BODIES = (b"", b"null", b"[]", b"{}", b'""', b"0", b"true", b"NaN", b"a=1", b"\x00", b" ")
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1")
PADDING_BYTES = (100_000, 1_100_000)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "QUERY")
PATH_SUFFIXES = (
    "/",
    "//",
    "/.",
    "/..",
    "%2F",
    "%00",
    "%ff",
    "%20",
    "%3Fa=1",
    ";a=1",
    ".json",
    "/x",
    "x",
    "+",
    "*",
    "%",
)
QUERIES = ("", "a=1", "a=1&a=2", "a", "=", "&", ";", "a=%", "a=%zz", "a=%ff", "a=%00", "a[]=1", "a=+", "?", "%c3%a9")
CONTENT_TYPES = (
    *("application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "application/json;"),
    *("application/json; charset=latin-1", "application/json; charset=utf-16", "application/json; charset=nothing"),
    *("Application/JSON", "application/json, text/plain", "application/jsonx", "application/problem+json"),
    *("application/*", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"),
    *("multipart/form-data; boundary=x", "text/plain", "json", "*/*", ""),
)
HEADERS: tuple[Header, ...] = (
    *(("Accept", value) for value in ("application/json", "text/html", "*/*;q=0")),
    *(("Accept-Encoding", value) for value in ("gzip, deflate, br, zstd", "identity;q=0")),
    *(("Accept-Charset", "utf-16"), ("Accept-Language", "de"), ("Cache-Control", "no-cache")),
    *(("Authorization", value) for value in ("Bearer", "Basic dXNlcjpwYXNz")),
    *(("Content-Encoding", value) for value in ("gzip", "identity")),
    *(("Cookie", value) for value in ("session=1; session=2", "=")),
    *(("If-Match", "*"), ("If-None-Match", "*"), ("If-Modified-Since", "Sat, 29 Oct 1994 19:43:31 GMT")),
    *(("Origin", value) for value in ("https://example.com", "null")),
    *(("Range", "bytes=0-3"), ("Referer", "https://example.com/"), ("User-Agent", ""), ("User-Agent", "Mozilla/5.0")),
    *(
        ("Forwarded", "for=192.0.2.1;proto=https"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Host", "example.com"),
    ),
    *(("X-Forwarded-Proto", "https"), ("X_Underscore", "1")),
    *(("X-Request-ID", value) for value in ("a", "", "a b", "é", "a" * 129)),
)
