"""Which conditions of services are equal: any number of services, some of which say nothing."""

import pytest
from serving_lab.targets.fairness import Verdict, compare, judge
from serving_lab.targets.reading import Conditions


def conditions(*, workers: str = "2", framework: str = "flask", memory_limit_bytes: float | None = None) -> Conditions:
    info = {"framework": framework, "workers": workers, "python": "3.13", "server": "gunicorn", "model_version": "1"}
    return Conditions(info, cpu_limit_cores=None, memory_limit_bytes=memory_limit_bytes, memory_kind="pss")


@pytest.mark.parametrize(
    ("values", "must_agree", "expected"),
    [
        (["4"], True, Verdict.SAME),
        (["4", "4", "4"], True, Verdict.SAME),
        (["4", "4", "2"], True, Verdict.DIFFERS),
        (["4", None, "2"], True, Verdict.DIFFERS),  # what a third one states does not matter any more
        (["4", None, "4"], True, Verdict.UNKNOWN),
        ([None, None], True, Verdict.UNKNOWN),
        (["Flask", "FastAPI", "FastAPI"], False, Verdict.MEANT),
        (["Flask", None, "FastAPI"], False, Verdict.UNKNOWN),
    ],
)
def test_a_condition_is_judged_over_all_services(
    values: list[str | None],
    must_agree: bool,
    expected: Verdict,
) -> None:
    assert judge(values, must_agree=must_agree) == expected


def test_each_condition_has_the_value_of_each_service_by_its_name() -> None:
    found = compare({"a": conditions(), "b": conditions(framework="other"), "c": conditions(workers="3"), "d": None})

    by_name = {condition.name: condition for condition in found}
    assert by_name["Workers"].values == {"a": "2", "b": "2", "c": "3", "d": None}
    assert by_name["Workers"].verdict == Verdict.DIFFERS
    assert by_name["Framework"].verdict == Verdict.UNKNOWN
    assert by_name["Python"].verdict == Verdict.UNKNOWN


def test_no_limit_is_a_value_and_differs_from_a_limit() -> None:
    found = compare({"a": conditions(), "b": conditions(memory_limit_bytes=1 << 30)})

    [limit] = [condition for condition in found if condition.name == "Memory limit"]
    assert limit.values == {"a": "none", "b": "1,024 MiB"}
    assert limit.verdict == Verdict.DIFFERS
