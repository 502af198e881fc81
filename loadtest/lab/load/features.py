"""Feature vectors like those of the patients the model was trained on, a stated part of them repeating."""

import random
from dataclasses import dataclass, field
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
DIABETES_FEATURES = (
    Feature("age", (19, 30, 36, 41, 47, 50, 53, 57, 60, 65.9, 79), 0),
    Feature("sex", (1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2), 0),
    Feature("bmi", (18, 21, 22.62, 23.6, 24.7, 25.7, 26.86, 28.27, 30.3, 32.28, 42.2), 1),
    Feature("bp", (62, 78, 83, 86.3, 89, 93, 97, 102, 109, 113, 133), 2),
    Feature("s1", (97, 147, 161, 170, 180.4, 186, 195, 204.7, 217.8, 233.9, 301), 0),
    Feature("s2", (41.6, 78.42, 91.84, 99.6, 105.48, 113, 121, 128.4, 140.68, 152.18, 242.4), 1),
    Feature("s3", (22, 35, 39, 42, 45, 48, 52, 55, 60, 67, 99), 1),
    Feature("s4", (2, 3, 3, 3, 3.862, 4, 4, 5, 5, 6, 9.09), 2),
    Feature("s5", (3.2581, 3.9722, 4.1897, 4.3346, 4.4427, 4.62, 4.7791, 4.92, 5.0676, 5.337, 6.107), 4),
    Feature("s6", (58, 77, 82, 85.3, 88.4, 91, 93, 96, 100, 106, 124), 0),
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
