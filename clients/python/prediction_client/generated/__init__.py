# Generated from clients/openapi.json by `make clients`. Do not edit.
"""A client library for accessing Prediction API"""

from .client import AuthenticatedClient, Client

__all__ = (
    "AuthenticatedClient",
    "Client",
)
