"""A session answers for a row alone what it answers for it among others, whoever asks and however many at once."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from model_artifact import FEATURES, files
from model_artifact.session import Session

ROWS = np.random.default_rng(7).uniform(-300, 300, (400, FEATURES)).tolist()
SESSIONS: list[Session] = []  # what forked processes find


@pytest.fixture
def session(model_dir: Path) -> Session:
    return Session(files.read(model_dir).graph)


def test_a_row_alone_is_predicted_as_among_others(session: Session) -> None:
    assert [session.predict([row]) for row in ROWS] == [[value] for value in session.predict(ROWS)]


@pytest.mark.parametrize(
    "executor",
    [
        partial(ThreadPoolExecutor, 8),
        partial(ProcessPoolExecutor, 2, multiprocessing.get_context("fork")),
    ],
    ids=["threads", "forked"],
)
def test_rows_are_not_mixed_up(session: Session, executor: Callable[[], Executor]) -> None:
    expected = session.predict(ROWS)
    session.predict(ROWS[:1])
    SESSIONS[:] = [session]

    with executor() as workers:
        found = list(workers.map(predicted, ROWS * 5))

    assert found == expected * 5


def test_a_row_of_another_length_is_refused(session: Session) -> None:
    for row in ([1.0], [1.0] * (FEATURES + 1)):
        with pytest.raises(Exception, match="invalid dimensions"):
            session.predict([row])


def predicted(row: list[float]) -> float:
    [value] = SESSIONS[0].predict([row])
    return value
