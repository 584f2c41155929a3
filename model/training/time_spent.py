"""Where the time of a training command goes: waiting for data, computing, evaluating and saving."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

# A run is advised only if it loses at least this share of its steps' time, and this many seconds.
MUCH_WAITING = 0.2
LONG_WAITING = 5.0


@dataclass
class TimeSpent:
    """Seconds of this command; of a resumed run, not those before it was resumed."""

    waiting: float = 0.0  # for batches; the rest of a step is computing
    computing: float = 0.0
    evaluating: float = 0.0
    saving: float = 0.0

    def add_step(self, seconds: float, waiting: float) -> None:
        """Adds a step of this duration, of which `waiting` seconds passed until its batch was there."""
        waiting = min(max(waiting, 0.0), seconds)
        self.waiting += waiting
        self.computing += seconds - waiting

    @contextlib.contextmanager
    def measured(self, kind: Literal["evaluating", "saving"]) -> Iterator[None]:
        """Adds the duration of the `with` block."""
        began = time.perf_counter()
        yield
        setattr(self, kind, getattr(self, kind) + time.perf_counter() - began)

    @property
    def waiting_share(self) -> float:
        """The share of the steps' time that was spent waiting for data, from 0 to 1."""
        return self.waiting / (self.waiting + self.computing) if self.waiting else 0.0

    def advice(self) -> str | None:
        """A line for a run that waits for data, else None."""
        if self.waiting < LONG_WAITING or self.waiting_share < MUCH_WAITING:
            return None
        return (
            f"advice:         training waited for data {100 * self.waiting_share:.0f} % of the time; "
            'see "Slow input" in docs/PIPELINE.md'
        )
