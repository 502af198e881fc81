"""A service against itself: whatever is sent, no difference.

The corpus is sent in part: a service that differed from itself there would differ from another one, and
tests/parity/test_services.py sends all of it to two. PARITY_GENERATE and PARITY_TIMES make it as thorough as a person
has time for: all of the corpus and 5000 requests, three times.
"""

import os
from pathlib import Path

import pytest
from serving_lab.parity.inputs.profile import Profile
from support.services import BASELINE, CANDIDATES

from parity.mutants.proof import compare, cross_section, twins

pytestmark = pytest.mark.proof

ALL = "PARITY_GENERATE" in os.environ
GENERATE = int(os.environ.get("PARITY_GENERATE", "500"))
TIMES = int(os.environ.get("PARITY_TIMES", "1"))


@pytest.mark.timeout(300 + TIMES * GENERATE // 10)
@pytest.mark.parametrize("name", [BASELINE, CANDIDATES[0]])
def test_a_service_does_not_differ_from_itself(name: str, model_dir: Path, profile: Profile) -> None:
    with twins(name, model_dir) as pair:
        asked = profile if ALL else cross_section(profile, pair.primary.base_url)
        for seed in range(TIMES):
            result = compare(pair, asked, generate=GENERATE, seed=seed)

            told = [(cause.kind, cause.where, cause.example.case) for cause in (*result.causes, *result.unsteady)]
            assert (result.exit_code, told) == (0, []), result.why
            assert result.sources["generated"] == GENERATE
            assert result.requests > GENERATE + len(asked.cases)
