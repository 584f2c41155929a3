"""The part of each batch that one worker of a cluster gathers, augments and trains on.

Every batch is cut into the same number of shards, at places that depend on its size alone. A worker has consecutive
shards, so its sequences are consecutive too.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class BatchPart(NamedTuple):
    """The shards from `first` up to, but without, `end`, of all `shards` of a batch."""

    first: int
    end: int
    shards: int


def worker_part(worker: int, workers: int, shards: int) -> BatchPart:
    """The part of one of the `workers`, of which `shards` is a multiple."""
    each = shards // workers
    return BatchPart(worker * each, (worker + 1) * each, shards)


def shard_cuts(part: BatchPart, total: Any) -> list[Any]:
    """Where in a batch of `total` sequences each of the part's shards begins, and where the last one ends.

    total: an int or an integer tensor, as the results are. Shards differ by one sequence at most; those of a batch that
    has fewer sequences than shards may be empty.
    """
    return [total * shard // part.shards for shard in range(part.first, part.end + 1)]
