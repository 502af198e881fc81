"""`lab init`: drafts the description of an API from its OpenAPI document, from recordings, and from what it answers."""
