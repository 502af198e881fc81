"""Results of `lab model drift`, made up."""

from serving_lab.model_drift.result import ColumnDrift, DriftResult, Standing, VersionDrift

COLUMN = ColumnDrift(
    name="bmi",
    standing=Standing.DRIFTED,
    reference_rows=353,
    ks=0.31,
    p=3e-10,
    psi=0.61,
    psi_by_chance=0.07,
    detectable=0.19,
    outside=0.005,
    edges=[20.0, 30.0],
    reference_shares=[0.3, 0.4, 0.3],
    log_shares=[0.1, 0.3, 0.6],
)
DRIFTED = DriftResult(
    started="2026-11-30T06:00:00+00:00",
    seconds=1.0,
    seed=0,
    log=["predictions.jsonl", "predictions.jsonl.1"],
    damaged=3,
    other=2,
    tell=0.2,
    alpha=0.05,
    models=[
        VersionDrift(
            version="1.0.0",
            digest="5db6" * 16,
            standing=Standing.DRIFTED,
            why="bmi drifted",
            rows=200,
            repeated=12,
            first="2026-11-30T06:00:00+00:00",
            last="2026-11-30T06:10:00+00:00",
            rows_needed=176,
            columns=[COLUMN],
        ),
        VersionDrift(
            version="2.0.0",
            digest=None,
            standing=Standing.CANNOT_TELL,
            why="no artifact of this version was given, so it is not known what it was trained on",
            rows=5,
            repeated=0,
            first="",
            last="",
            columns=[],
        ),
    ],
)
