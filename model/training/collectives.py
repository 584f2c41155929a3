"""TensorFlow's collective ops, in one order.

Collectives that run at the same time may meet the wrong partners, so each waits for the one that was created before it.
All workers build the same graph, so all create them in the same order. These are the first versions of the ops: the
second ones, such as CollectiveReduceV2, need a key for every run of a graph, which the runtime gives to none of ours.
"""

from __future__ import annotations

from typing import Any

from pipeline.tensorflow_v1 import tf

GROUP = 1
# So many collectives at most are in one chain. Each chain has instance keys of its own.
LONGEST_CHAIN = 10**5


class Collectives:
    """A chain of collective ops on one of `workers` workers, which run in one Session.run; no op where there is one.

    device: the full name of the worker's processor. chain: the number of the chain, another one for each chain of a
    process. seconds: after so long a wait for the other workers tf.errors.DeadlineExceededError is raised; 0: never.
    The dtype and the shape of what is exchanged are the same on all workers, the shape fully known.
    """

    def __init__(self, workers: int, worker: int, device: str | None, chain: int, seconds: float = 0.0) -> None:
        self._workers = workers
        self._worker = worker
        self._device = device
        self._seconds = seconds
        self._key = chain * LONGEST_CHAIN
        self._last: list[tf.Operation] = []

    def added(self, values: tf.Tensor) -> tf.Tensor:
        """The sum over all workers, the same bits on each."""
        if self._workers == 1:
            return values
        options = {"merge_op": "Add", "final_op": "Id", "subdiv_offsets": [0]}
        return self._next(tf.raw_ops.CollectiveReduce, input=values, **options)

    def gathered(self, values: tf.Tensor) -> tf.Tensor:
        """Those of all workers, in their order, one after another along the first axis."""
        if self._workers == 1:
            return values
        rows, *rest = values.shape.as_list()
        return self._next(tf.raw_ops.CollectiveGather, input=values, shape=[self._workers * rows, *rest])

    def from_chief(self, values: tf.Tensor) -> tf.Tensor:
        """Those of the first worker."""
        if self._workers == 1:
            return values
        if self._worker == 0:
            return self._next(tf.raw_ops.CollectiveBcastSend, input=values, shape=values.shape)
        return self._next(tf.raw_ops.CollectiveBcastRecv, T=values.dtype, shape=values.shape)

    def _next(self, collective: Any, **arguments: Any) -> tf.Tensor:
        self._key += 1
        with tf.control_dependencies(self._last), tf.device(self._device):
            result = collective(
                **arguments,
                group_size=self._workers,
                group_key=GROUP,
                instance_key=self._key,
                timeout_seconds=self._seconds,
            )
        self._last = [result.op]
        return result
