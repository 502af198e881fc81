"""Results of rollouts that never were."""

from serving_lab.rollout.judge import Criterion, Outcome, Standing
from serving_lab.rollout.result import (
    CauseRecord,
    Decision,
    Ending,
    LookRecord,
    MirrorRecord,
    RolloutResult,
    SideRecord,
    StageRecord,
)

STARTED = "2026-05-04T10:00:00+00:00"
HOSTILE = "\x1b[2J<script>alert(1)</script>|`x`"


def make_rollout(ending: Ending = Ending.PROMOTED, why: str = "everything is within its limits") -> RolloutResult:
    """A rollout that passed the shadow and 5%, and then ended so."""
    promoted = ending is Ending.PROMOTED
    last = Outcome.PROMOTE if promoted else Outcome.ROLL_BACK
    return RolloutResult(
        started=STARTED,
        seconds=900.0,
        seed=0,
        primary="flask-api",
        candidate="fastapi-api",
        ending=ending,
        why=why,
        share=10_000 if promoted else 0,
        stages=[
            StageRecord(name="shadow", share=0, started=STARTED, seconds=60.0, outcome=Outcome.PROMOTE, why="alike"),
            make_stage("5%", 500, Outcome.PROMOTE),
            make_stage("100%", 10_000, last),
        ],
        decisions=[
            Decision(at=STARTED, stage="shadow", what="begins"),
            Decision(at=STARTED, stage="100%", what=str(ending), why=why),
        ],
        mirror=MirrorRecord(
            compared={"POST /predict": 900},
            causes=[
                CauseRecord(
                    operation="POST /predict",
                    what="number: $.prediction",
                    count=3,
                    primary="1",
                    candidate="2",
                    proven=not promoted,
                    unsteady=promoted,
                )
            ],
        ),
        rollback_seconds=None if promoted else 0.42,
    )


def make_stage(name: str, share: int, outcome: Outcome) -> StageRecord:
    """A stage that was looked at once."""
    standing = Standing.WITHIN if outcome is Outcome.PROMOTE else Standing.BEYOND
    look = LookRecord(
        seconds=60.0,
        outcome=outcome,
        why="",
        criteria=[
            Criterion(name="errors", value=0.0, low=-0.001, high=0.001, within=0.002, beyond=0.002, standing=standing),
            Criterion(name="p99", value=1.0, low=None, high=None, within=None, beyond=1.5, standing=Standing.NOT_ASKED),
        ],
        candidate=SideRecord(requests=3000, failed=2, users=40, p50_ms=4.0, p99_ms=20.0),
        control=SideRecord(requests=3100, failed=1, users=41, p50_ms=4.1, p99_ms=21.0),
    )
    return StageRecord(
        name=name,
        share=share,
        started=STARTED,
        seconds=60.0,
        outcome=outcome,
        why="as told",
        observed_share=share / 10_000,
        before=share == 10_000,
        looks=[look],
    )
