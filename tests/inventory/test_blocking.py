"""What a request waits for is known however the library is imported and whatever its object is called."""

import textwrap
from pathlib import Path

import pytest
from serving_lab.inventory.source import hazards
from serving_lab.inventory.source.blocking import blocking_calls
from serving_lab.inventory.source.calls import reached
from serving_lab.inventory.source.project import Project


def project_of(folder: Path, before: str, body: str, *, begins: str = "def view():") -> Project:
    text = f"{textwrap.dedent(before)}\n\n{begins}\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    (folder / "view.py").write_text(text, encoding="utf-8")
    return Project(folder)


def waits(folder: Path, before: str, body: str, begins: str = "def view():") -> list[tuple[str, bool]]:
    project = project_of(folder, before, body, begins=begins)
    module = project.module(folder / "view.py")
    assert module is not None
    found = blocking_calls(project, reached(project, [module.functions["view"]]))
    return [(each.kind, each.async_helps) for each in found]


@pytest.mark.parametrize(
    ("before", "body", "kind"),
    [
        ("import requests as r", "r.get('u')", "network"),
        ("from requests import post", "post('u')", "network"),
        ("import requests\nhttp = requests.Session()", "http.put('u')", "network"),
        ("import httpx", "with httpx.Client() as c:\n    c.get('u')", "network"),
        ("from urllib.request import urlopen", "urlopen('u')", "network"),
        ("import boto3", "s3 = boto3.client('s3')\ns3.put_object()", "network"),
        ("import smtplib", "with smtplib.SMTP('h') as s:\n    s.send_message(1)", "network"),
        ("from time import sleep", "sleep(1)", "sleep"),
        ("import subprocess", "subprocess.check_output(['x'])", "process"),
        ("import sqlite3\ndef db():\n    return sqlite3.connect('f')", "db().execute('x')", "database"),
        ("import psycopg2\nc = psycopg2.connect('d')", "cur = c.cursor()\ncur.execute('x')", "database"),
        ("import redis\nr = redis.Redis()", "r.get('k')", "database"),
        ("from pymongo import MongoClient\nc = MongoClient()", "c.db.items.find_one({})", "database"),
        ("from sqlalchemy import create_engine\ne = create_engine('u')", "with e.connect() as c:\n    c.execute(1)",
         "database"),
        ("from sqlalchemy.orm import sessionmaker\nS = sessionmaker()", "s = S()\ns.query(1)", "database"),
        ("from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()", "db.session.commit()", "database"),
        ("class User(Base):\n    pass", "User.query.filter_by(a=1).first()", "database"),
        ("", "open('f').read()", "disk"),
        ("from pathlib import Path", "Path('f').read_text()", "disk"),
        ("import joblib\nm = joblib.load('m')", "m.predict([[1]])", "CPU"),
        ("import onnxruntime as ort\ns = ort.InferenceSession('m')", "s.run(None, {})", "CPU"),
        ("import bcrypt", "bcrypt.checkpw(b'a', b'b')", "CPU"),
        ("from werkzeug.security import check_password_hash as ok", "ok('a', 'b')", "CPU"),
        ("class Model:\n    def predict(self, x):\n        return x\nm = Model()", "m.predict([1])", "CPU"),
    ],
)  # fmt: skip
def test_what_blocks_is_found_with_whether_async_helps(tmp_path: Path, before: str, body: str, kind: str) -> None:
    found = waits(tmp_path, before, body)

    assert (kind, kind != "CPU") in found


@pytest.mark.parametrize(
    ("before", "body"),
    [
        ("import httpx", "async with httpx.AsyncClient() as c:\n    await c.get('u')"),
        ("import asyncio", "await asyncio.sleep(1)"),
        ("import asyncio, requests", "await asyncio.to_thread(requests.get, 'u')"),
        ("import redis.asyncio as redis\nr = redis.Redis()", "await r.get('k')"),
        ("def get(x):\n    return x", "get('u')"),
        ("", "{}.get('k')\n'a'.split()"),
    ],
)
def test_what_does_not_block_is_not_named(tmp_path: Path, before: str, body: str) -> None:
    assert waits(tmp_path, before, body, "async def view():") == []


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("SECRET_KEY = 'abcdef'", "secret"),
        ("app.config['JWT_SECRET'] = 'abcdef'", "secret"),
        ("app.secret_key = b'abcdef'", "secret"),
        ("api_key = os.getenv('K', 'abcdef')", "secret"),
        ("app.config.from_mapping(SECRET_KEY='abcdef')", "secret"),
        ("USERS = {'admin': 'abcdef'}", "secret"),
        ("DB = 'postgresql://me:abcdef@host/db'", "secret"),
        ("client = Client(api_key='abcdef')", "secret"),
        ("pickle.load(f)", "unsafe loading"),
        ("yaml.load(f, Loader=yaml.Loader)", "unsafe loading"),
        ("torch.load('m')", "unsafe loading"),
        ("subprocess.run('ls', shell=True)", "shell"),
        ("os.system('ls')", "shell"),
        ("app.run(debug=True)", "debug"),
        ("app.config['DEBUG'] = True", "debug"),
        ("SECRET_KEY = os.environ['K']", None),
        ("SECRET_KEY = os.getenv('K')", None),
        ("TOKEN_URL = '/token'", None),
        ("password = 'Password is required.'", None),
        ("yaml.load(f, Loader=yaml.SafeLoader)", None),
        ("torch.load('m', weights_only=True)", None),
        ("subprocess.run(['ls'])", None),
        ("app.run(debug=False)", None),
    ],
)
def test_what_must_be_known_before_a_service_moves(tmp_path: Path, line: str, kind: str | None) -> None:
    project = project_of(tmp_path, "import os, pickle, subprocess, torch, yaml", line)
    module = project.module(tmp_path / "view.py")
    assert module is not None

    found = list(hazards.of_module(project, module))

    assert [each.kind for each in found] == ([kind] if kind else [])
    assert all("abcdef" not in each.text for each in found)
