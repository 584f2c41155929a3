"""TensorFlow's collective ops, in one order.

Collectives that run at the same time could be matched with the wrong partners, so each waits for the one created before
it. All workers build the same graph, so all create them in the same order. These are the first versions of the ops: the
second versions, such as CollectiveReduceV2, need a key for every run of the graph, which the runtime does not provide.
"""

from __future__ import annotations

from typing import Any

from pipeline.tensorflow_v1 import tf

GROUP = 1
# The maximum number of collectives in a chain. Each chain has its own range of instance keys.
LONGEST_CHAIN = 10**5


class Collectives:
    """A chain of collective ops on one of `workers` workers, to run in one Session.run; no ops for a single worker.

    device: the full name of the worker's processor. chain: the number of the chain, unique in a process. seconds: how
    long to wait for the other workers before tf.errors.DeadlineExceededError is raised; 0 means no limit. The values
    exchanged have the same dtype and the same fully known shape on all workers.
    """

    def __init__(self, workers: int, worker: int, device: str | None, chain: int, seconds: float = 0.0) -> None:
        self._workers = workers
        self._worker = worker
        self._device = device
        self._seconds = seconds
        self._key = chain * LONGEST_CHAIN
        self._last: list[tf.Operation] = []

    def added(self, values: tf.Tensor) -> tf.Tensor:
        """The sum over all workers, bit-identical on each."""
        if self._workers == 1:
            return values
        options = {"merge_op": "Add", "final_op": "Id", "subdiv_offsets": [0]}
        return self._next(tf.raw_ops.CollectiveReduce, input=values, **options)

    def gathered(self, values: tf.Tensor) -> tf.Tensor:
        """The values of all workers, in order, concatenated along the first axis."""
        if self._workers == 1:
            return values
        rows, *rest = values.shape.as_list()
        return self._next(tf.raw_ops.CollectiveGather, input=values, shape=[self._workers * rows, *rest])

    def from_chief(self, values: tf.Tensor) -> tf.Tensor:
        """The values of the chief."""
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
