"""A plain WSGI callable: no framework, no routes that anybody could list."""

import json
import time


def application(environ, start_response):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if path == "/time" and method == "GET":
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"now": time.time()}).encode()]
    if path == "/wait":
        time.sleep(1)
        start_response("204 No Content", [])
        return [b""]
    start_response("404 Not Found", [])
    return [b""]
