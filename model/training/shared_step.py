"""A training step that several workers take together, each with its part of the batch, and all end with equal weights.

What a worker adds to the step is one row of float32: its gradients, and what else is to be added up. So one collective
exchanges it, beside those of batch normalization, which is over the whole batch.

Where the sum is to be exact, each shard of the batch is seen by a network of its own, with its own batch normalization,
and has a row of its own. The rows of all shards are gathered and added in the order of the shards, so that it makes no
difference which worker had which.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

from model.batch_normalization import move, normalized_convolution, normalized_over_parts
from model.layers import Convolution
from model.training.collectives import Collectives
from pipeline.batch_part import BatchPart, shard_cuts
from pipeline.tensorflow_v1 import tf

# (frames, labels, sequences of the whole batch, convolution) → loss and what to minimize: what the sequences that are
# given add to those of the whole batch.
Losses: TypeAlias = "Callable[[tf.Tensor, tf.Tensor, tf.Tensor, Convolution], tuple[tf.Tensor, tf.Tensor]]"
NUMBERS_SAID = 3


class Sharing(NamedTuple):
    """How the steps of one graph are shared.

    device: where the graph's ops are. steps, variables: the chains that exchange gradients and variables. part: of each
    batch, this worker's. is_exact: whether the sum is.
    """

    device: str | None
    steps: Collectives
    variables: Collectives
    part: BatchPart
    is_exact: bool


class Agreement(NamedTuple):
    """What the workers say to each other with each step: `heard`, float32 (3,), is the sum of what all said.

    said: placeholder, float32 (3,). copy_variables: op that gives all workers the chief's variables.
    """

    said: tf.Tensor
    heard: tf.Tensor
    copy_variables: tf.Operation


class SharedGradients(NamedTuple):
    """loss: float32 scalar, of the whole batch. gradients: with their variables. said, heard: as in Agreement."""

    loss: tf.Tensor
    gradients: list[tuple[tf.Tensor, tf.Variable]]
    said: tf.Tensor
    heard: tf.Tensor


def shared_gradients(
    sharing: Sharing, frames: tf.Tensor, labels: tf.Tensor, total: tf.Tensor, losses: Losses
) -> SharedGradients:
    """Builds the network over this worker's part of the batch, and the exchange.

    frames, labels, total: from pipeline.dataset.make_dataset. The ops that update the moving statistics of batch
    normalization are in the graph's collection UPDATE_OPS.
    """
    said = tf.placeholder(tf.float32, [NUMBERS_SAID], name="said")
    rows = []
    for number, (start, end) in enumerate(_shards(sharing, total)):
        statistics: list[tuple[tf.Variable, tf.Tensor]] = []
        # An empty shard is seen as one sequence that counts for nothing: convolutions take no empty batch.
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
        added.append(said if number == 0 else tf.zeros_like(said))
        rows.append(tf.concat([tf.reshape(value, [-1]) for value in added], axis=0))
    shapes = [variable.shape for variable in [*weights, *(moving for moving, _ in statistics)]]
    *values, loss, heard = _cut(_summed(sharing, rows), [*shapes, loss.shape, said.shape])
    for (moving, _), of_batch in zip(statistics, values[len(weights) :], strict=True):
        move(moving, of_batch)
    return SharedGradients(loss, list(zip(values, weights, strict=False)), said, heard)


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
    """Where each shard that has a row of its own begins and ends in this worker's part of the batch."""
    cuts = shard_cuts(sharing.part, total)
    cuts = [cut - cuts[0] for cut in cuts]
    return list(zip(cuts[:-1], cuts[1:], strict=True))


def _convolution(sharing: Sharing, counts: tf.Tensor, follow: Callable[[tf.Variable, tf.Tensor], None]) -> Convolution:
    """counts: bool scalar, whether the shard has sequences."""

    def add_parts(values: tf.Tensor) -> tf.Tensor:
        if sharing.is_exact:
            return values
        return sharing.steps.added(tf.where(counts, values, tf.zeros_like(values)))

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
    """Tensors of these shapes, the values of which are one after another in the row."""
    pieces = tf.split(row, [shape.num_elements() for shape in shapes])
    return [tf.reshape(piece, shape) for piece, shape in zip(pieces, shapes, strict=True)]
