"""Different answers as SARIF 2.1.0, which code hosts show beside the line of code that answers.

The format is OASIS's: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import hashlib
import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from serving_lab.gate.result import Gated, GateResult
from serving_lab.inventory.result import InventoryResult, Place
from serving_lab.parity.result import CauseRecord
from serving_lab.text.phrases import visible

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_PARAMETER = re.compile(r"\{[^/}]*\}")


def document(result: GateResult, places: Mapping[str, Mapping[str, Place]], otherwise: Place) -> bytes:
    """Return the document.

    Args:
        result: Whose causes it has.
        places: By service, where each operation is answered: by `METHOD /path`.
        otherwise: The place of operations that are not among them, since every result must have one.
    """
    causes = [(service, cause) for service in result.services if service.parity for cause in service.parity.causes]
    rules = {_rule(cause): cause.kind for _, cause in causes}
    content = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "serving-lab",
                        "version": version("serving-lab"),
                        "rules": [
                            {"id": rule, "shortDescription": {"text": f"A service answers otherwise: {kind}"}}
                            for rule, kind in rules.items()
                        ],
                    }
                },
                "invocations": [{"executionSuccessful": not result.partial}],
                "results": [
                    _result(service, cause, places.get(service.name, {}), otherwise) for service, cause in causes
                ],
            }
        ],
    }
    return json.dumps(content, indent=1).encode() + b"\n"


def places_of(inventory: InventoryResult) -> dict[str, Place]:
    """Return where each operation of an inventory is answered."""
    return {_form(each.label): each.place for each in inventory.operations if each.place}


def _result(service: Gated, cause: CauseRecord, places: Mapping[str, Place], otherwise: Place) -> dict[str, Any]:
    found = next((places[form] for label in cause.operations if (form := _form(label)) in places), otherwise)
    of = f"{service.name}: " if service.name else ""
    sides = " became ".join("nothing" if each is None else visible(each) for each in (cause.primary, cause.candidate))
    operations = ", ".join(map(visible, cause.operations))
    where = f"{service.name} {cause.kind} {cause.where} {operations}"
    return {
        "ruleId": _rule(cause),
        "level": "error",
        "message": {
            "text": f"{of}{cause.difference} at {operations}: {sides}, in {cause.count:,} of {cause.compared:,}"
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": found.file},
                    "region": {"startLine": found.line},
                }
            }
        ],
        # The same cause of a later run is the same alert.
        "partialFingerprints": {"cause/v1": hashlib.sha256(where.encode()).hexdigest()[:32]},
    }


def _rule(cause: CauseRecord) -> str:
    return f"parity/{cause.kind.replace(' ', '-')}"


def _form(label: str) -> str:
    """An operation without the names of its parameters."""
    return _PARAMETER.sub("{}", label)
