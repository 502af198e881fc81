"""Calls that run what they are given, whatever that is."""

import ast

_WHY = {
    "pickle.load": "pickle runs whatever code the file has",
    "pickle.loads": "pickle runs whatever code the data has",
    "cPickle.load": "pickle runs whatever code the file has",
    "dill.load": "dill runs whatever code the file has",
    "cloudpickle.load": "cloudpickle runs whatever code the file has",
    "joblib.load": "joblib unpickles: it runs whatever code the file has, and needs the versions that wrote it",
    "torch.load": "torch.load unpickles, unless weights_only is set",
    "yaml.load": "yaml.load makes any object, unless it has a safe loader",
    "yaml.unsafe_load": "yaml.unsafe_load makes any object",
    "marshal.loads": "marshal may crash the process on bad data",
    "eval": "eval runs what it is given",
    "exec": "exec runs what it is given",
    "os.system": "a shell reads the whole command",
    "os.popen": "a shell reads the whole command",
}


def why_unsafe(call: ast.Call, name: str | None) -> str | None:
    """Why a call of something with this whole name is a risk; None: it is none."""
    given = {each.arg: each.value for each in call.keywords}
    if name == "yaml.load" and "Safe" in ast.unparse(call):
        return None
    if name == "torch.load" and is_true(given.get("weights_only")):
        return None
    if name and name.startswith("subprocess.") and is_true(given.get("shell")):
        return "a shell reads the whole command"
    return _WHY.get(name or "")


def is_true(value: ast.expr | None) -> bool:
    """Whether an expression is `True` itself."""
    return isinstance(value, ast.Constant) and value.value is True
