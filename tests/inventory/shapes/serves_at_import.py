"""Starts a server as soon as it is imported, by Werkzeug and not by app.run."""

import os

from flask import Flask
from werkzeug.serving import run_simple

app = Flask(__name__)
print("starting", flush=True)
os.write(1, b"more noise\n")


@app.get("/here")
def here():
    return {"here": True}


run_simple("127.0.0.1", 0, app)


@app.get("/never")
def never():
    return {}
