"""Generated requests: from an OpenAPI document, and by changing other requests."""
