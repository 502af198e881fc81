"""Requests that nobody wrote: from an OpenAPI document, changed from others, and made smaller again."""
