"""A training step whose batch is divided into shards, over the cores of this machine and over the workers of a cluster.

Each shard passes through its own copy of the network, with the same weights, and has its own batch normalization
(*ghost batch normalization*; Hoffer, Hubara & Soudry, *Train Longer, Generalize Better*, NeurIPS 2017). TensorFlow
computes the copies in parallel. The gradients of all shards are added, and everything else that is summed. The workers
of a cluster do so in one collective, and end with equal weights. tf.distribute's strategies were considered: they
replicate over devices or machines, not over the cores of one processor.

With exact sums, the values of all shards are gathered and added in the order of the shards, so the result does not
depend on which worker computed which shard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from model.batch_normalization import move, normalized_convolution
from model.layers import Convolution
from model.training.collectives import Collectives
from pipeline.batch_order import BatchPart
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
    part: BatchPart  # this worker's shards of each batch
    is_exact: bool = False  # whether the sum does not depend on the number of workers


def among_cores(shards: int) -> Sharing:
    """The Sharing of a single worker that divides each batch into this many shards."""
    steps, variables = (Collectives(workers=1, worker=0, device=None, chain=chain) for chain in (1, 2))
    return Sharing(None, steps, variables, BatchPart(0, shards, shards))


@dataclass(frozen=True)
class SharedGradients:
    """The result of the exchange, the same on all workers."""

    loss: tf.Tensor  # of the whole batch, float32 scalar
    gradients: list[tuple[tf.Tensor, tf.Variable]]
    sent: tf.Tensor  # placeholder for this worker's message, float32 (3,); zeros if it is not fed
    received: tf.Tensor  # the sum of all messages, float32 (3,)


@dataclass(frozen=True)
class Agreement:
    """What the workers tell each other with each step, and before the first."""

    sent: tf.Tensor  # as in SharedGradients
    received: tf.Tensor  # as in SharedGradients
    copy_variables: tf.Operation  # gives all workers the chief's variables
    is_alone: bool  # whether there is only one worker


def shared_gradients(
    sharing: Sharing, frames: tf.Tensor, labels: tf.Tensor, total: tf.Tensor, losses: Losses
) -> SharedGradients:
    """Builds the network for each of this worker's shards, and the exchange.

    frames, labels: this worker's part of the batch. total: the number of sequences in the whole batch. The ops that
    update the moving statistics of batch normalization are in the graph's collection UPDATE_OPS.
    """
    sent = tf.placeholder_with_default(tf.zeros([MESSAGE_SIZE]), [MESSAGE_SIZE], name="sent")
    part, shards = sharing.part, []
    for shard in range(part.first, part.end):
        start, end = (part.cut(cut, total) - part.cut(part.first, total) for cut in (shard, shard + 1))
        statistics: list[tuple[tf.Variable, tf.Tensor]] = []
        # An empty shard computes one sequence with weight zero, because convolutions do not accept an empty batch.
        first = tf.minimum(start, tf.shape(labels)[0] - 1)
        seen = slice(first, tf.maximum(end, first + 1))
        count = tf.cast(end - start, tf.float32)
        with tf.variable_scope(tf.get_variable_scope(), reuse=shard > part.first):
            convolve = partial(
                normalized_convolution, follow=lambda *statistic, kept=statistics: kept.append(statistic)
            )
            loss, minimized = (
                tf.where(count > 0, value, tf.zeros_like(value))
                for value in losses(frames[seen], labels[seen], total, convolve)
            )
        weights = tf.trainable_variables()
        share = count / tf.cast(total, tf.float32)
        added = [*tf.gradients(minimized, weights), *(share * value for _, value in statistics), loss]
        added.append(sent if shard == part.first else tf.zeros_like(sent))
        shards.append(added)
    *values, loss, received = _summed(sharing, shards)
    for (moving, _), of_batch in zip(statistics, values[len(weights) :], strict=True):
        move(moving, of_batch)
    return SharedGradients(loss, list(zip(values, weights, strict=False)), sent, received)


def copied_variables(sharing: Sharing, variables: list[tf.Variable]) -> tf.Operation:
    """The op that gives all workers the chief's values of these variables."""
    if sharing.part.is_whole:
        return tf.no_op()
    copies = []
    for dtype in sorted({variable.dtype.base_dtype for variable in variables}, key=str):
        chosen = [variable for variable in variables if variable.dtype.base_dtype == dtype]
        flat = tf.concat([tf.reshape(variable.read_value(), [-1]) for variable in chosen], axis=0)
        values = _cut(sharing.variables.from_chief(flat), [variable.shape for variable in chosen])
        copies += [variable.assign(value) for variable, value in zip(chosen, values, strict=True)]
    return tf.group(*copies)


def _summed(sharing: Sharing, shards: list[list[tf.Tensor]]) -> list[tf.Tensor]:
    """The sums over the shards of all workers. shards: for each of this worker's, values of the same shapes."""
    if sharing.part.is_whole and not sharing.is_exact:
        # As a tuple, so that no variable changes while a gradient is still computed from it.
        return tf.tuple([tf.add_n(values) for values in zip(*shards, strict=True)])
    # Rows also keep TensorFlow's graph optimizer from factoring sums out, which would change their last bit.
    rows = [tf.concat([tf.reshape(value, [-1]) for value in values], axis=0) for values in shards]
    if sharing.is_exact:
        row = tf.add_n(tf.unstack(sharing.steps.gathered(tf.stack(rows))))
    else:
        row = sharing.steps.added(tf.add_n(rows))
    return _cut(row, [value.shape for value in shards[0]])


def _cut(row: tf.Tensor, shapes: list[tf.TensorShape]) -> list[tf.Tensor]:
    """Splits the row into tensors of these shapes."""
    pieces = tf.split(row, [shape.num_elements() for shape in shapes])
    return [tf.reshape(piece, shape) for piece, shape in zip(pieces, shapes, strict=True)]
