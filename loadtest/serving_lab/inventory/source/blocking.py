"""Calls that a request waits for, and whether an event loop could serve others meanwhile."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from serving_lab.inventory.result import BlockingCall
from serving_lab.inventory.source.calls import body_of, origin
from serving_lab.inventory.source.project import Class, Function, Project

Kind = Literal["network", "database", "disk", "process", "sleep", "CPU"]


class _Known(NamedTuple):
    pattern: re.Pattern[str]
    kind: Kind
    instead: str | None


def _known(pattern: str, kind: Kind, instead: str | None = None) -> _Known:
    return _Known(re.compile(pattern), kind, instead)


_VERBS = r"(?:get|post|put|patch|delete|head|options|request|send|stream)"
_KNOWN = (
    _known(rf"requests\.(?:{_VERBS}|[Ss]ession\(\)\.{_VERBS}|api\.{_VERBS})", "network", "httpx.AsyncClient"),
    _known(rf"httpx\.(?:{_VERBS}|Client\(\)\.{_VERBS})", "network", "httpx.AsyncClient"),
    _known(
        r"urllib\.request\.(?:urlopen|urlretrieve)|urllib3\..+|http\.client\..+\(\)\.\w+",
        "network",
        "httpx.AsyncClient",
    ),
    _known(r"time\.sleep", "sleep", "asyncio.sleep"),
    _known(r"subprocess\.\w+(?:\(\)\.\w+)?|os\.(?:system|popen)", "process", "asyncio.create_subprocess_exec"),
    _known(r"sqlite3\.(?:connect|Connection).*", "database", "aiosqlite, or a thread"),
    _known(r"psycopg2?\..+|psycopg2\.connect.*", "database", "psycopg.AsyncConnection, or asyncpg"),
    _known(r"(?:pymysql|MySQLdb|mysql\.connector|mariadb)\..+|flask_mysqldb\..+", "database", "asyncmy, or aiomysql"),
    _known(
        r"(?:sqlalchemy|flask_sqlalchemy|sqlmodel)\..+(?:session|connect|engine|execute|query|Session|begin).*",
        "database",
        "SQLAlchemy's AsyncSession",
    ),
    _known(r"(?:pymongo|flask_pymongo|mongoengine)\..+", "database", "pymongo.AsyncMongoClient"),
    _known(r"(?:redis|flask_redis)\.(?!asyncio).+\(\).+", "database", "redis.asyncio"),
    _known(
        r"(?:peewee|pyodbc|oracledb|cx_Oracle|cassandra|clickhouse_driver|pymssql|records|dataset)\..+",
        "database",
        None,
    ),
    _known(r"(?:elasticsearch|opensearchpy)\.(?!Async).+\(\).+", "database", "AsyncElasticsearch"),
    _known(r"(?:boto3|botocore)\..+\(\)\.\w+.*", "network", "aioboto3"),
    _known(r"(?:smtplib|ftplib|imaplib|poplib|telnetlib|paramiko|ldap3?|xmlrpc\.client)\..+", "network", None),
    _known(r"(?:flask_mail|sendgrid|twilio|stripe|google\.cloud|azure|kafka|pika|grpc)\..+\(\)\..+", "network", None),
    _known(r"openai\.(?!Async).+\(\)\..+|anthropic\.(?!Async).+\(\)\..+", "network", "the library's async client"),
    _known(
        r"open|io\.open|shutil\.(?:copy|move|rmtree)\w*|pathlib\.Path\(\)\.(?:read|write)_(?:text|bytes)",
        "disk",
        "a thread",
    ),
    _known(r"pandas\.read_(?:csv|excel|parquet|json|sql\w*)", "disk", "a thread"),
    _known(r"(?:pickle|cPickle|dill|cloudpickle|joblib|torch)\.loads?", "CPU", None),
    _known(r"(?:tensorflow\.)?keras\..*load_model|tensorflow\..+load_model|mlflow\..+load_model", "CPU", None),
    _known(r"(?:bcrypt\.(?:hashpw|checkpw)|hashlib\.(?:pbkdf2_hmac|scrypt)|argon2\..+|passlib\..+)", "CPU", None),
    _known(r"flask_bcrypt\..+\(\)\.\w+_password_hash", "CPU", None),
    _known(r"werkzeug\.security\.(?:generate|check)_password_hash", "CPU", None),
    _known(r"(?:PIL\.Image|cv2)\..+", "CPU", None),
    _known(
        r"onnxruntime\..+\(\)\.run|(?:sklearn|xgboost|lightgbm|catboost|torch|transformers|joblib|pickle)\..+\(\).*",
        "CPU",
        None,
    ),
)
_MODEL_METHODS = frozenset({"predict", "predict_proba", "predict_log_proba", "decision_function", "predict_on_batch"})
_ORM = re.compile(r"\.(?:query|objects)(?:\.|$)")
_ORM_BASES = frozenset({"Model", "Base", "DeclarativeBase", "SQLModel", "Document"})
_CONSTRUCTORS = re.compile(r"(?:SQLAlchemy|Redis|StrictRedis|MongoClient|Session|PyMongo|MySQL|create_engine)$")
_LONGEST = 70


def blocking_calls(project: Project, functions: Iterable[Function]) -> list[BlockingCall]:
    """What these functions call and wait for, once a place."""
    found: dict[tuple[str, str, int], BlockingCall] = {}
    for function in functions:
        for each in _in_function(project, function):
            key = (each.kind, each.place.file, each.place.line)
            if key not in found or len(each.call) > len(found[key].call):
                found[key] = each
    return list(found.values())


def _in_function(project: Project, function: Function) -> Iterator[BlockingCall]:
    nodes = list(body_of(function.node))
    awaited = {id(node.value) for node in nodes if isinstance(node, ast.Await)}
    for node in nodes:
        if isinstance(node, ast.Call) and id(node) not in awaited and (known := _of_call(project, function, node)):
            kind, instead = known
            call = _written(node.func)
            yield BlockingCall(
                call=call if len(call) <= _LONGEST else f"{call[:_LONGEST]}…",
                kind=kind,
                async_helps=kind != "CPU",
                instead=instead,
                place=function.module.place(node),
            )


def _written(node: ast.expr) -> str:
    """A call as people read it, without the arguments of those before it."""
    if isinstance(node, ast.Attribute):
        return f"{_written(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{_written(node.func)}({'…' if node.args or node.keywords else ''})"
    return " ".join(ast.unparse(node).split())


def _of_call(project: Project, function: Function, call: ast.Call) -> tuple[Kind, str | None] | None:
    source = origin(project, function.module, function, call.func)
    if source and not _CONSTRUCTORS.search(source):
        for known in _KNOWN:
            if known.pattern.fullmatch(source):
                return known.kind, known.instead
    written = ast.unparse(call.func)
    if _ORM.search(written) and isinstance(call.func, ast.Attribute):
        owner = project.meaning(function.module, written.partition(".")[0])
        if isinstance(owner, Class) and _ORM_BASES & project.base_names(owner):
            return "database", "the library's async session"
    if isinstance(call.func, ast.Attribute) and call.func.attr in _MODEL_METHODS:
        return "CPU", None
    return None
