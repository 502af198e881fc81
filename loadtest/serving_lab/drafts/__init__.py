"""The description of an API as a draft: from its document or from recorded traffic, and as a file."""
