"""What generators send, made by hand."""

import numpy as np
from numpy.typing import NDArray
from serving_lab.generator.messages import Done


def done(latencies: NDArray[np.float64] | None = None, *, late: float = 0.0, lags: float = 0.0) -> Done:
    """What a generator sends that measured these latencies (s) in a second, one after the other."""
    latencies = np.empty(0) if latencies is None else latencies
    due = np.linspace(0, 1, latencies.size, endpoint=False)
    return Done(
        due=memoryview(due.tobytes()),
        sent=memoryview(due.tobytes()),
        answered=memoryview((due + latencies).tobytes()),
        templates=memoryview(bytes(latencies.size)),
        wrong={},
        sent_again=0,
        planned=latencies.size,
        all_answered=latencies.size,
        seconds=1.0,
        cpu_seconds=0.1,
        all_cpu_seconds=0.2,
        waited_seconds=0.0,
        lags=memoryview(np.full(latencies.size, lags).tobytes()),
        late=late,
    )
