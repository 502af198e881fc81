"""Differences planted one at a time: each is found and named, and nothing beside it; disguises go unreported."""

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.result import ParityResult
from support.services import BASELINE, CANDIDATES

from parity.mutants.behaviour import BEHAVIOUR
from parity.mutants.disguises import DISGUISES
from parity.mutants.documents import DOCUMENTS
from parity.mutants.headers import HEADERS
from parity.mutants.mutant import Disguise, Mutant, Planted
from parity.mutants.proof import Proof, twins
from parity.mutants.statuses import STATUSES

pytestmark = pytest.mark.proof

MUTANTS = (*STATUSES, *HEADERS, *DOCUMENTS, *BEHAVIOUR)
AT_ONCE = 2

Found = Mapping[tuple[str, str], Future[ParityResult]]


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, model_dir: Path, profile: Profile) -> Iterator[Found]:
    """What comparing finds for each of the tests that are to run: most of a comparison is waiting, so some at once."""
    tests = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    chosen = [
        cast("tuple[str, Planted]", (test.callspec.params["service"], test.callspec.params["planted"]))
        for test in tests
    ]
    with contextlib.ExitStack() as stack:
        proofs = {
            service: Proof([stack.enter_context(twins(service, model_dir)) for _ in range(AT_ONCE)], profile)
            for service in {service for service, _ in chosen}
        }
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        stack.callback(pool.shutdown, cancel_futures=True)
        yield {(service, planted.name): pool.submit(proofs[service].compare, planted) for service, planted in chosen}


@pytest.mark.parametrize("service", [BASELINE])
@pytest.mark.parametrize("planted", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_difference_is_found_and_named(found: Found, service: str, planted: Mutant) -> None:
    result = found[service, planted.name].result()

    named = {(cause.kind, cause.where) for cause in result.causes}
    shown_by = {operation for cause in result.causes if cause.kind == planted.kind for operation in cause.operations}
    assert named - planted.consequences == {(planted.kind, planted.where)}, told(result)
    assert planted.operation in {None, *shown_by}, told(result)
    assert result.exit_code == 1


@pytest.mark.parametrize("service", [BASELINE, CANDIDATES[0]])
@pytest.mark.parametrize("planted", DISGUISES, ids=lambda disguise: disguise.name)
def test_what_a_client_cannot_tell_apart_is_not_reported(found: Found, service: str, planted: Disguise) -> None:
    result = found[service, planted.name].result()

    assert (result.verdict, result.causes, result.unsteady) == ("same", [], []), told(result)


def told(result: ParityResult) -> str:
    """What the comparison found, for whoever reads why a test failed."""
    lines = [
        f"{cause.kind} | {cause.where} | {cause.primary} | {cause.candidate} | {cause.operations}"
        f" | {cause.reproduced} of {cause.repeated} | {cause.example.case}"
        for cause in (*result.causes, *result.unsteady)
    ]
    return "\n".join([result.why, *lines])
