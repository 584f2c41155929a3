"""Counts the frames that a model computes."""

import numpy as np


class CountingSession:
    """Wraps a session and counts the frames that it is fed."""

    def __init__(self, session):
        self._session, self.frames = session, 0

    def run(self, fetches, feeds):
        self.frames += sum(10 * len(value) for value in feeds.values() if value.dtype == np.uint8)
        return self._session.run(fetches, feeds)
