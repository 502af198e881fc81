"""A gate's result as JUnit XML: a test for each verdict and each cause, which CI systems list."""

from xml.etree import ElementTree as ET

from serving_lab.gate.result import Check, Gated, GateResult
from serving_lab.text.phrases import visible


def xml(result: GateResult) -> bytes:
    """Return the document: a suite for each service, a test case for each check."""
    checks = [each for service in result.services for each in service.checks]
    root = ET.Element("testsuites", {"name": "gate"} | _counts(checks))
    for service in result.services:
        root.append(_suite(service, result))
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _suite(service: Gated, result: GateResult) -> ET.Element:
    facts = {"name": _plain(service.name or "gate"), "timestamp": result.started, "time": f"{result.seconds:.3f}"}
    suite = ET.Element("testsuite", facts | _counts(service.checks))
    properties = ET.SubElement(suite, "properties")
    for name, value in (("revision", result.revision or ""), ("base", service.base), ("head", service.head)):
        ET.SubElement(properties, "property", name=name, value=_plain(value))
    for check in service.checks:
        suite.append(_case(service, check))
    return suite


def _case(service: Gated, check: Check) -> ET.Element:
    place = ".".join(filter(None, ("gate", service.name, check.part)))
    case = ET.Element("testcase", classname=_plain(place), name=_plain(check.name), time="0")
    why = _plain(check.why)
    match check.outcome:
        case "failed":
            ET.SubElement(case, "failure", message=why, type=", ".join(check.conditions) or "difference").text = why
        case "cannot tell":
            ET.SubElement(case, "error", message=why, type="cannot tell").text = why
        case "not judged":
            ET.SubElement(case, "skipped", message=why)
        case "passed":
            ET.SubElement(case, "system-out").text = why
    return case


def _counts(checks: list[Check]) -> dict[str, str]:
    def count(outcome: str) -> str:
        return str(sum(each.outcome == outcome for each in checks))

    return {
        "tests": str(len(checks)),
        "failures": count("failed"),
        "errors": count("cannot tell"),
        "skipped": count("not judged"),
    }


def _plain(text: str) -> str:
    """The text without characters that XML cannot have."""
    return visible(text)
