"""Versions that are worse on purpose: the held-out rows are honest, what the model learns from is not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from model_training.artifact import write_artifact
from model_training.estimators import Data, Parameter, Trained, train
from numpy.typing import NDArray
from support.artifacts import TRAINED_ON

SEX, BMI, S5 = 1, 2, 8
Numbers = NDArray[np.float64]
Change = Callable[[Data, np.random.Generator], Data]


@dataclass(frozen=True)
class Plant:
    """What is wrong with a version."""

    change: Change = lambda data, _: data
    """Of what it learns from."""
    parameters: Mapping[str, Parameter] | None = None


def _targets(change: Callable[[Data, np.random.Generator], Numbers]) -> Change:
    return lambda data, random: Data(data.feature_names, data.rows, change(data, random).astype(np.float64))


def _column(number: int, change: Callable[[Numbers, np.random.Generator], Numbers]) -> Change:
    def changed(data: Data, random: np.random.Generator) -> Data:
        rows = data.rows.copy()
        rows[:, number] = change(rows[:, number], random)
        return Data(data.feature_names, rows, data.targets)

    return changed


def _swapped(data: Data, _: np.random.Generator) -> Data:
    order = np.arange(data.rows.shape[1])
    order[[BMI, S5]] = order[[S5, BMI]]
    return Data(data.feature_names, data.rows[:, order], data.targets)


def _few(data: Data, random: np.random.Generator) -> Data:
    kept = random.choice(len(data.rows), len(data.rows) // 20, replace=False)
    return Data(data.feature_names, data.rows[kept], data.targets[kept])


WORSE: Mapping[str, Plant] = {
    "shuffled targets": Plant(_targets(lambda data, random: random.permutation(data.targets))),
    "one tree": Plant(parameters={"n_estimators": 1}),
    "two trees": Plant(parameters={"n_estimators": 2}),
    "hardly any branch": Plant(parameters={"max_leaf_nodes": 2}),
    "a feature scrambled": Plant(_column(BMI, lambda column, random: random.permutation(column))),
    "two features swapped": Plant(_swapped),
    "a feature in another unit": Plant(_column(BMI, lambda column, _: column * 0.2048)),
    "shifted by 30": Plant(_targets(lambda data, _: data.targets + 30)),
    "scaled by 1.3": Plant(_targets(lambda data, _: data.targets * 1.3)),
    "biased by 60 where bmi is 30 or more": Plant(
        _targets(lambda data, _: data.targets + 60 * (data.rows[:, BMI] >= 30))
    ),
    "biased by 40 for one sex": Plant(_targets(lambda data, _: data.targets + 40 * (data.rows[:, SEX] > 1.5))),
}
"""Each of them by what is wrong."""
DOUBTFUL: Mapping[str, Plant] = {"a twentieth of the data": Plant(_few)}
"""Worse in general, but with luck right about the few rows that were held out: then nobody can refuse it."""


def write(directory: Path, honest: Trained, plant: Plant, seed: int) -> Path:
    """Train a planted version and write its files; rows, metrics and reference in them are those of an honest one."""
    wrong = plant.change(honest.seen, np.random.default_rng(seed))
    regressor = train("random_forest", seed=seed, parameters=plant.parameters).regressor
    regressor.fit(wrong.rows, wrong.targets)
    write_artifact(replace(honest, regressor=regressor), directory, TRAINED_ON, f"planted-{seed}")
    return directory
