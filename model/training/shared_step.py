"""A training step that several workers take together: each computes a part of the batch, all end with equal weights.

Each worker sends one row of float32 in one collective: its gradients, and everything else that is summed. Batch
normalization needs further collectives, because it uses statistics of the whole batch.

With exact sums, each shard of the batch has its own copy of the network, its own batch normalization and its own row.
The rows of all shards are gathered and added in the order of the shards, so the result does not depend on which worker
computed which shard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from model.batch_normalization import move, normalized_convolution, normalized_over_parts
from model.layers import Convolution
from model.training.collectives import Collectives
from pipeline.batch_order import BatchPart, shard_cuts
from pipeline.tensorflow_v1 import tf

# (frames, labels, size of the whole batch, convolution) → what these sequences contribute to the batch's loss and to
# the value that is minimized.
Losses: TypeAlias = "Callable[[tf.Tensor, tf.Tensor, tf.Tensor, Convolution], tuple[tf.Tensor, tf.Tensor]]"
MESSAGE_SIZE = 3


@dataclass(frozen=True)
class Sharing:
    """How the steps of one graph are shared."""

    device: str | None  # of the graph's ops
    steps: Collectives  # the chain that exchanges gradients
    variables: Collectives  # the chain that copies variables
    part: BatchPart  # this worker's part of each batch
    is_exact: bool  # whether the sum does not depend on the number of workers


@dataclass(frozen=True)
class SharedGradients:
    """The result of the exchange, the same on all workers."""

    loss: tf.Tensor  # of the whole batch, float32 scalar
    gradients: list[tuple[tf.Tensor, tf.Variable]]
    sent: tf.Tensor  # placeholder for this worker's message, float32 (3,)
    received: tf.Tensor  # the sum of all messages, float32 (3,)


@dataclass(frozen=True)
class Agreement:
    """What the workers tell each other with each step, and before the first."""

    sent: tf.Tensor  # as in SharedGradients
    received: tf.Tensor
    copy_variables: tf.Operation  # gives all workers the chief's variables


def shared_gradients(
    sharing: Sharing, frames: tf.Tensor, labels: tf.Tensor, total: tf.Tensor, losses: Losses
) -> SharedGradients:
    """Builds the network for this worker's part of the batch, and the exchange.

    frames, labels, total: from pipeline.dataset.make_dataset. The ops that update the moving statistics of batch
    normalization are in the graph's collection UPDATE_OPS.
    """
    sent = tf.placeholder(tf.float32, [MESSAGE_SIZE], name="sent")
    rows = []
    for number, (start, end) in enumerate(_shards(sharing, total)):
        statistics: list[tuple[tf.Variable, tf.Tensor]] = []
        # An empty shard computes one sequence with weight zero, because convolutions do not accept an empty batch.
        first = tf.minimum(start, tf.shape(labels)[0] - 1)
        seen = slice(first, tf.maximum(end, first + 1))
        count = tf.cast(end - start, tf.float32)
        with tf.variable_scope(tf.get_variable_scope(), reuse=number > 0):
            convolve = _convolution(sharing, count > 0, lambda *statistic, kept=statistics: kept.append(statistic))
            loss, minimized = (
                tf.where(count > 0, value, tf.zeros_like(value))
                for value in losses(frames[seen], labels[seen], total, convolve)
            )
        weights = tf.trainable_variables()
        share = count / tf.cast(total, tf.float32)
        added = [*tf.gradients(minimized, weights), *(share * value for _, value in statistics), loss]
        added.append(sent if number == 0 else tf.zeros_like(sent))
        rows.append(tf.concat([tf.reshape(value, [-1]) for value in added], axis=0))
    shapes = [variable.shape for variable in [*weights, *(moving for moving, _ in statistics)]]
    *values, loss, received = _cut(_summed(sharing, rows), [*shapes, loss.shape, sent.shape])
    for (moving, _), of_batch in zip(statistics, values[len(weights) :], strict=True):
        move(moving, of_batch)
    return SharedGradients(loss, list(zip(values, weights, strict=False)), sent, received)


def copied_variables(sharing: Sharing, variables: list[tf.Variable]) -> tf.Operation:
    """The op that gives all workers the chief's values of these variables."""
    copies = []
    for dtype in sorted({variable.dtype.base_dtype for variable in variables}, key=str):
        chosen = [variable for variable in variables if variable.dtype.base_dtype == dtype]
        flat = tf.concat([tf.reshape(variable.read_value(), [-1]) for variable in chosen], axis=0)
        values = _cut(sharing.variables.from_chief(flat), [variable.shape for variable in chosen])
        copies += [variable.assign(value) for variable, value in zip(chosen, values, strict=True)]
    return tf.group(*copies)


def _shards(sharing: Sharing, total: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """The first and the end index, in this worker's part of the batch, of each shard that has its own row."""
    cuts = shard_cuts(sharing.part, total)
    cuts = [cut - cuts[0] for cut in cuts]
    return list(zip(cuts[:-1], cuts[1:], strict=True))


def _convolution(
    sharing: Sharing, has_sequences: tf.Tensor, follow: Callable[[tf.Variable, tf.Tensor], None]
) -> Convolution:
    """has_sequences: bool scalar, whether the shard is not empty."""

    def add_parts(values: tf.Tensor) -> tf.Tensor:
        if sharing.is_exact:
            return values
        return sharing.steps.added(tf.where(has_sequences, values, tf.zeros_like(values)))

    normalize = partial(normalized_over_parts, add_parts)
    return partial(normalized_convolution, normalize=normalize, follow=follow)


def _summed(sharing: Sharing, rows: list[tf.Tensor]) -> tf.Tensor:
    """The sum of all workers' rows, float32 (N,)."""
    if not sharing.is_exact:
        return sharing.steps.added(rows[0])
    gathered = tf.unstack(sharing.steps.gathered(tf.stack(rows)))
    total = gathered[0]
    for row in gathered[1:]:
        total = total + row
    return total


def _cut(row: tf.Tensor, shapes: list[tf.TensorShape]) -> list[tf.Tensor]:
    """Splits the row into tensors of these shapes."""
    pieces = tf.split(row, [shape.num_elements() for shape in shapes])
    return [tf.reshape(piece, shape) for piece, shape in zip(pieces, shapes, strict=True)]
