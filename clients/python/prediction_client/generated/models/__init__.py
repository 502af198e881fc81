"""Contains all the data models used in inputs/outputs"""

from .batch_prediction_request import BatchPredictionRequest
from .batch_prediction_response import BatchPredictionResponse
from .cache_clear_response import CacheClearResponse
from .cache_stats import CacheStats
from .error_response import ErrorResponse
from .graph_ql_request import GraphQLRequest
from .graph_ql_request_variables_type_0 import GraphQLRequestVariablesType0
from .graph_ql_response import GraphQLResponse
from .graph_ql_response_data_type_0 import GraphQLResponseDataType0
from .graph_ql_response_errors_type_0_item import GraphQLResponseErrorsType0Item
from .health_response import HealthResponse
from .login_request import LoginRequest
from .login_response import LoginResponse
from .model_info import ModelInfo
from .model_info_metrics import ModelInfoMetrics
from .prediction_request import PredictionRequest
from .prediction_response import PredictionResponse
from .ready_response import ReadyResponse

__all__ = (
    "BatchPredictionRequest",
    "BatchPredictionResponse",
    "CacheClearResponse",
    "CacheStats",
    "ErrorResponse",
    "GraphQLRequest",
    "GraphQLRequestVariablesType0",
    "GraphQLResponse",
    "GraphQLResponseDataType0",
    "GraphQLResponseErrorsType0Item",
    "HealthResponse",
    "LoginRequest",
    "LoginResponse",
    "ModelInfo",
    "ModelInfoMetrics",
    "PredictionRequest",
    "PredictionResponse",
    "ReadyResponse",
)
