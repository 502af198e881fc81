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

# Rows.
MISSING_FEATURES = "Missing features field"
FEATURES_NOT_A_LIST = "Features must be a list"
WRONG_NUMBER_OF_FEATURES = f"Expected {FEATURES} features"
MISSING_SAMPLES = "Missing samples field"
SAMPLES_NOT_A_LIST = "Samples must be a list"
NO_SAMPLES = "Samples must not be empty"
TOO_MANY_SAMPLES = f"Maximum {MAX_SAMPLES} samples allowed"

# WebSocket.
ORIGIN_NOT_ALLOWED = "Origin not allowed"
FEATURES_AND_SAMPLES = "Expected features or samples, not both"

# GraphQL.
MISSING_QUERY = "Missing query field"
QUERY_NOT_A_STRING = "Query must be a string"
QUERY_TOO_LONG = f"Maximum {MAX_QUERY_CHARACTERS} characters of query allowed"
VARIABLES_NOT_AN_OBJECT = "Variables must be an object"
OPERATION_NAME_NOT_A_STRING = "OperationName must be a string"


def sample_not_a_list(sample: int) -> str:
    """Of a row of a batch, counted from 0."""
    return f"Sample {sample} must be a list"


def wrong_length_of_sample(sample: int) -> str:
    """Of a row of a batch, counted from 0."""
    return f"Sample {sample} must have {FEATURES} features"


def not_a_number(feature: int, *, sample: int | None = None) -> str:
    """Of a feature, counted from 0; in a batch, of that row."""
    return f"{_place(feature, sample)} must be a number"


def out_of_range(feature: int, *, sample: int | None = None) -> str:
    """Of a feature, counted from 0; in a batch, of that row."""
    return f"{_place(feature, sample)} out of valid range [{LOWEST:g}, {HIGHEST:g}]"


def _place(feature: int, sample: int | None) -> str:
    return f"Feature {feature}" if sample is None else f"Sample {sample} feature {feature}"
