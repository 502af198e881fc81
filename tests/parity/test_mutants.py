"""Planted differences: each is found and named, and nothing beside them; disguises go unreported.

Many are planted at a time, which costs one comparison and not one each; none of them may hide another one.
"""

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
from parity.mutants.mutant import Mutant, together
from parity.mutants.proof import Proof, twins
from parity.mutants.statuses import STATUSES

pytestmark = pytest.mark.proof

MUTANTS = (*STATUSES, *HEADERS, *DOCUMENTS, *BEHAVIOUR)
ROUNDS = {number: [each for each in MUTANTS if each.round == number] for number in sorted({m.round for m in MUTANTS})}
DISGUISED = 0
"""The round of the disguises."""
AT_ONCE = 2

Found = Mapping[tuple[str, int], Future[ParityResult]]


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, model_dir: Path, profile: Profile) -> Iterator[Found]:
    """What comparing finds in each round that a test asks for: most of a comparison is waiting, so some at once."""
    tests = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    rounds: dict[str, list[int]] = {}
    for service, number in dict.fromkeys(_asked_for(test) for test in tests):
        rounds.setdefault(service, []).append(number)
    with contextlib.ExitStack() as stack:
        pairs = [
            [stack.enter_context(twins(service, model_dir)) for _ in range(min(AT_ONCE, len(numbers)))]
            for service, numbers in rounds.items()
        ]
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        stack.callback(pool.shutdown, cancel_futures=True)
        proofs = pool.map(lambda each: Proof(each, profile), pairs)
        yield {
            (service, number): pool.submit(proof.compare, together(ROUNDS.get(number, DISGUISES)))
            for (service, numbers), proof in zip(rounds.items(), proofs, strict=True)
            for number in numbers
        }


@pytest.mark.parametrize("service", [BASELINE])
@pytest.mark.parametrize("planted", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_difference_is_found_and_named(found: Found, service: str, planted: Mutant) -> None:
    result = found[service, planted.round].result()

    named = [cause for cause in result.causes if planted.names(cause)]
    shown_by = {operation for cause in named for operation in cause.operations}
    assert named, told(result)
    assert planted.operation in {None, *shown_by}, told(result)
    assert result.exit_code == 1


@pytest.mark.parametrize("service", [BASELINE])
@pytest.mark.parametrize("number", ROUNDS)
def test_nothing_is_reported_beside_what_is_planted(found: Found, service: str, number: int) -> None:
    planted, result = ROUNDS[number], found[service, number].result()
    consequences = frozenset[tuple[str, str]]().union(*(each.consequences for each in planted))

    unexpected = [
        (cause.kind, cause.where, cause.candidate)
        for cause in result.causes
        if sum(each.names(cause) for each in planted) != 1 and (cause.kind, cause.where) not in consequences
    ]

    assert unexpected == [], told(result)


@pytest.mark.parametrize("service", [BASELINE, CANDIDATES[0]])
def test_what_a_client_cannot_tell_apart_is_not_reported(found: Found, service: str) -> None:
    result = found[service, DISGUISED].result()

    assert (result.verdict, result.causes, result.unsteady) == ("same", [], []), told(result)


def _asked_for(test: pytest.Function) -> tuple[str, int]:
    """The service and the round of which a test asks for the result."""
    parameters = test.callspec.params
    planted = parameters.get("planted")
    number = planted.round if isinstance(planted, Mutant) else cast("int", parameters.get("number", DISGUISED))
    return cast("str", parameters["service"]), number


def told(result: ParityResult) -> str:
    """What the comparison found, for whoever reads why a test failed."""
    lines = [
        f"{cause.kind} | {cause.where} | {cause.primary} | {cause.candidate} | {cause.operations}"
        f" | {cause.reproduced} of {cause.repeated} | {cause.example.case}"
        for cause in (*result.causes, *result.unsteady)
    ]
    return "\n".join([result.why, *lines])
