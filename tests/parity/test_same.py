"""A service against itself: whatever is sent, no difference.

PARITY_GENERATE and PARITY_TIMES make it as thorough as a person has time for: 5000 requests, three times.
"""

import os
from pathlib import Path

import pytest
from serving_lab.parity.inputs.profile import Profile
from support.services import BASELINE, CANDIDATES

from parity.mutants.proof import compare, twins

pytestmark = pytest.mark.proof

GENERATE = int(os.environ.get("PARITY_GENERATE", "500"))
TIMES = int(os.environ.get("PARITY_TIMES", "1"))


@pytest.mark.timeout(300 + TIMES * GENERATE // 10)
@pytest.mark.parametrize("name", [BASELINE, CANDIDATES[0]])
def test_a_service_does_not_differ_from_itself(name: str, model_dir: Path, profile: Profile) -> None:
    with twins(name, model_dir) as pair:
        for seed in range(TIMES):
            result = compare(pair, profile, generate=GENERATE, seed=seed)

            told = [(cause.kind, cause.where, cause.example.case) for cause in (*result.causes, *result.unsteady)]
            assert (result.exit_code, told) == (0, []), result.why
            assert result.sources["generated"] == GENERATE
            assert result.requests > GENERATE + len(profile.cases)
