"""The prediction API as it was: Flask under gunicorn threads."""
