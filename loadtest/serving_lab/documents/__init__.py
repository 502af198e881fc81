"""OpenAPI documents as they come: read, and made to need nothing but themselves."""
