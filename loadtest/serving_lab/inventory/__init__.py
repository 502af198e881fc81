"""`lab inventory`: what an existing service has, from its code, document or recorded traffic; drafts from it."""
