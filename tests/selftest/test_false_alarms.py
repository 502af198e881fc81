"""A service measured against itself: whoever says that one is better is wrong."""

from pathlib import Path

import pytest
from serving_lab.bench.design import Design
from serving_lab.project import Project
from support.processors import undisturbed
from support.services import CANDIDATES, PASSWORD, USERNAME, running_service

from selftest.proof import FULL, SERVER, counted, generator, measure, profile, say

pytestmark = pytest.mark.alone

RUNS, PAIRS, SECONDS, MOST = (40, 6, 0.6, 4) if FULL else (2, 3, 0.6, 1)


@pytest.mark.timeout(60 + 60 * RUNS)
def test_a_service_is_hardly_ever_better_than_itself(model_dir: Path) -> None:
    project = Project.find()
    text = project.bench_profile.read_text().replace("../api.yaml", str(project.api_file))
    known = profile(text, {"API_USERNAME": USERNAME, "API_PASSWORD": PASSWORD})
    alarms = refused = 0
    with running_service(CANDIDATES[0], model_dir, undisturbed(), WORKERS=1) as service, generator() as fleet:
        service.pin(SERVER)
        urls = {"one": service.base_url, "same": service.base_url}
        for seed in range(RUNS):
            scenario = measure(fleet, urls, "sequential", Design(PAIRS, SECONDS, seed, 0.03), known)
            verdicts = {each.metric: each.verdict for each in scenario.comparisons}
            alarms += bool({"faster", "slower"} & set(verdicts.values()))
            refused += bool(scenario.refused)
            say(f"A/A {seed + 1}: {verdicts} {scenario.refused}")

    say(counted("a service called different from itself", alarms, RUNS) + f", refused {refused}")
    assert alarms <= MOST
    assert refused < RUNS / 2 or not FULL
