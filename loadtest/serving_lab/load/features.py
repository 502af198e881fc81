"""Feature vectors like those of the patients the model was trained on, a stated part of them repeating."""

import json
import random
from dataclasses import dataclass, field
from importlib import resources
from typing import NamedTuple


class Feature(NamedTuple):
    """One feature's distribution: its minimum, nine deciles and maximum, and the decimals it is recorded with."""

    name: str
    deciles: tuple[float, ...]
    decimals: int

    def quantile(self, probability: float) -> float:
        """Return the value below which so large a share lies (0 to below 1), linear between deciles."""
        position = probability * (len(self.deciles) - 1)
        step = int(position)
        low, high = self.deciles[step], self.deciles[step + 1]
        return round(low + (position - step) * (high - low), self.decimals)


# The 442 patients of scikit-learn 1.9, load_diabetes(scaled=False), after Efron, Hastie, Johnstone and Tibshirani,
# "Least Angle Regression", Annals of Statistics 32 (2004). Each feature is drawn by itself, without the correlations.
# `lab bench` draws from the same file.
DIABETES_FEATURES = tuple(
    Feature(column["name"], tuple(column["quantiles"]), column["decimals"])
    for column in json.loads(resources.files(__package__).joinpath("features.json").read_text(encoding="utf-8"))
)

Vector = tuple[float, ...]

# Each feature's values at even steps of its distribution. One of each makes a vector: 10^22 different ones, in a tenth
# of the time that evaluating the distributions takes; the generator's speed limits what can be measured.
STEPS = 1000
_COLUMNS = tuple(
    tuple(feature.quantile((step + 0.5) / STEPS) for step in range(STEPS)) for feature in DIABETES_FEATURES
)


@dataclass
class FeatureSource:
    """An endless supply of vectors: ``repeat_share`` of them from a pool of ``pool_size``, the rest new.

    The pool is the same in every process, so that users, services and runs repeat the same vectors.
    """

    repeat_share: float
    pool_size: int
    generator: random.Random = field(default_factory=random.Random)
    pool: tuple[Vector, ...] = field(init=False)

    def __post_init__(self) -> None:
        pool_generator = random.Random(442)  # noqa: S311 - the same vectors every time are the point
        self.pool = tuple(_draw(pool_generator) for _ in range(self.pool_size))

    def draw(self) -> Vector:
        """Draw one vector, in the order of DIABETES_FEATURES."""
        if self.generator.random() < self.repeat_share:
            return self.generator.choice(self.pool)
        return _draw(self.generator)


def _draw(generator: random.Random) -> Vector:
    draw = generator.random
    return tuple([column[int(draw() * STEPS)] for column in _COLUMNS])
