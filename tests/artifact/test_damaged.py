"""Artifacts that are damaged or hostile are refused, before they run where their structure tells."""

from pathlib import Path

import pytest
from model_artifact import files
from model_artifact.errors import ArtifactError, Reason
from model_artifact.structure import check_structure
from model_artifact.trial import try_out
from support.damaged_artifacts import DAMAGES, Damage

BEFORE_IT_RUNS = {name: damage for name, damage in DAMAGES.items() if damage.reason is not Reason.GOLDEN}


@pytest.mark.parametrize("damage", BEFORE_IT_RUNS.values(), ids=BEFORE_IT_RUNS)
def test_it_is_refused_before_it_runs(model: Path, damage: Damage) -> None:
    damage.spoil(model)

    with pytest.raises(ArtifactError) as refused:
        check_structure(files.read(model).graph)

    assert refused.value.reason == damage.reason
    assert damage.says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 1000


@pytest.mark.service
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_its_trial_refuses_it(model: Path, damage: Damage) -> None:
    damage.spoil(model)

    with pytest.raises(ArtifactError) as refused:
        try_out(model)

    assert refused.value.reason == damage.reason
    assert damage.says in str(refused.value)
