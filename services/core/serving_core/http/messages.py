"""The words of the contract (docs/contract.md), each once; docs/contributing.md says which file answers with which."""

from serving_core.bounds import FEATURES, HIGHEST, LOWEST, MAX_QUERY_CHARACTERS, MAX_SAMPLES

# Fields of answers with status 200.
HEALTHY = "healthy"
READY = "ready"
TOKEN_TYPE = "bearer"  # noqa: S105 - the name of a scheme

# Any request.
NOT_FOUND = "Not found"
METHOD_NOT_ALLOWED = "Method not allowed"
TOO_MANY_REQUESTS = "Too many requests"
BODY_TOO_LARGE = "Request body too large"
WRONG_CONTENT_TYPE = "Content-Type must be application/json"
MALFORMED_JSON = "Malformed JSON"
NO_DATA = "No data provided"
NOT_AN_OBJECT = "Request body must be a JSON object"
INTERNAL_ERROR = "Internal server error"
UNAVAILABLE = "Service unavailable"

# Tokens; TOKEN_EXPIRED and TOKEN_NOT_YET_VALID are details.
MISSING_CREDENTIALS = "Missing credentials"
INVALID_CREDENTIALS = "Invalid credentials"
TOKEN_MISSING = "Token is missing"  # noqa: S105 - a message
TOKEN_INVALID = "Token is invalid"  # noqa: S105 - a message
TOKEN_EXPIRED = "Token has expired"  # noqa: S105 - a message
TOKEN_NOT_YET_VALID = "Token is not valid yet"  # noqa: S105 - a message

# WebSocket.
ORIGIN_NOT_ALLOWED = "Origin not allowed"
FEATURES_AND_SAMPLES = "Expected features or samples, not both"


# Fields. A place in a body is its path: a field, then positions in its lists, counted from 0.
def missing(field: str) -> str:
    """Of a field that is absent."""
    return f"Missing {field} field"


def not_a_list(*place: str | int) -> str:
    """Of a field, or of a row of a batch."""
    return f"{_named(*place)} must be a list"


def empty(field: str) -> str:
    """Of a list that needs an item."""
    return f"{_named(field)} must not be empty"


def too_many(field: str) -> str:
    """Of the rows of a batch."""
    return f"Maximum {MAX_SAMPLES} {field} allowed"


def wrong_length(*place: str | int) -> str:
    """Of a row: the only one, which is a field, or one of a batch."""
    return f"Expected {FEATURES} {place[0]}" if len(place) == 1 else f"{_named(*place)} must have {FEATURES} features"


def not_a_number(*place: str | int) -> str:
    """Of a feature."""
    return f"{_named(*place)} must be a number"


def out_of_range(*place: str | int) -> str:
    """Of a feature."""
    return f"{_named(*place)} out of valid range [{LOWEST:g}, {HIGHEST:g}]"


def not_a_string(field: str) -> str:
    """Of a field of a GraphQL request."""
    return f"{_named(field)} must be a string"


def too_long(field: str) -> str:
    """Of a GraphQL query."""
    return f"Maximum {MAX_QUERY_CHARACTERS} characters of {field} allowed"


def not_an_object(field: str) -> str:
    """Of a field of a GraphQL request."""
    return f"{_named(field)} must be an object"


def _named(*place: str | int) -> str:
    """A place in words: `Samples`, `Sample 0`, `Sample 0 feature 3`, `Feature 3`."""
    match place:
        case ("features", feature):
            return f"Feature {feature}"
        case ("samples", sample):
            return f"Sample {sample}"
        case ("samples", sample, feature):
            return f"Sample {sample} feature {feature}"
        case _:
            field = str(place[0])
            return field[0].upper() + field[1:]
