"""Runs a loaded model on synthetic frames: which batch sizes it accepts, and whether its answers are reliable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model.export.machine_trouble import error_of_the_machine
from model.tensorflow_errors import failure_cause
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.tensorflow_v1 import tf

USUAL_BATCH_SIZES = (32, 16, 8, 64, 10, 20, 4, 2, 128, 100, 50, 5)
LARGEST_BATCH_SIZE = 256
MOST_ATTEMPTS = 16
# Tolerance, because the batch size changes the order of sums.
LARGEST_DIFFERENCE = 0.01  # pixels

Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Probe:
    can_score: bool  # whether positions can be computed
    batch_size: int | None  # the only one that works, None for any
    breaches: list[str]
    warnings: list[str]


def probe(session: tf.Session, input_frames: tf.Tensor, joint_pos: tf.Tensor, shape: SequenceShape) -> Probe:
    """Runs the model on noise and on frames of one colour, in batches of 1 and 3 and, if these fail, of other sizes.

    Raises MemoryLimitError if it exceeds the memory, and MachineError if it needs a GPU that the machine lacks.
    """

    def run(frames: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(joint_pos, {input_frames: frames}))

    breaches = []
    if joint_pos.dtype != tf.float32:
        breaches.append(f"joint_pos has dtype {joint_pos.dtype.name}; the assignment requires float32")
    if not (joint_pos.dtype.is_floating or joint_pos.dtype.is_integer):
        return Probe(False, None, breaches, [])
    claimed = input_frames.shape[0].value if input_frames.shape.rank else None
    failures = _failures(run, [claimed] if claimed else [1, 3], shape)
    if not failures:
        return Probe(True, claimed, breaches, _warnings(run, claimed, shape))
    sizes = [claimed] if claimed else [None, 1, *_likely_sizes(joint_pos)]
    for size in sizes:
        if not _failures(run, [size] if size else [1, 3], shape, is_any_shape=True):
            only = f"; it accepts only batches of {size}: use None or -1 for the batch dimension of every shape"
            breaches.append(failures[0] + (only if size and not claimed else ""))
            return Probe(True, size, breaches, _warnings(run, size, shape))
    return Probe(False, None, [*breaches, failures[0]], [])


def _failures(run: Run, numbers: list[int], shape: SequenceShape, is_any_shape: bool = False) -> list[str]:
    """One line for each of these numbers of sequences for which the model does not compute positions.

    is_any_shape: accept another shape that has the positions in the same order.
    """
    failures = []
    for number in numbers:
        expected = (number, *shape.labels)
        try:
            found = run(_noise(number, shape)).shape
        except Exception as error:  # also UnicodeDecodeError, for a message that is not UTF-8
            # If memory is missing, no other size is tried: TensorFlow would retry each for ten seconds before it fails.
            if machine_error := error_of_the_machine(error):
                raise machine_error from error
            failures.append(f"joint_pos cannot be computed for {number} sequences: {failure_cause(error)}")
            continue
        if found != expected and not (is_any_shape and _has_same_order(found, expected)):
            failures.append(f"joint_pos has shape {found} for {number} sequences; {who_requires(shape)} {expected}")
    return failures


def _has_same_order(found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Whether `found` is `expected` with neighbouring dimensions merged, or with dimensions of 1 inserted."""
    return set(np.cumprod(found)) <= set(np.cumprod(expected)) | {1} and np.prod(found) == np.prod(expected)


def who_requires(shape: SequenceShape) -> str:
    """The beginning of a message about this SequenceShape."""
    return "the assignment requires" if shape == COURSE_SHAPE else "the data set requires"


def _likely_sizes(joint_pos: tf.Tensor) -> list[int]:
    """Batch sizes in the order in which to try them: those found in the graph's shapes, then usual ones."""
    firsts: Counter[int] = Counter()
    for operation in joint_pos.graph.get_operations():
        for output in operation.outputs:
            if output.shape.rank and output.shape[0].value:
                firsts[output.shape[0].value] += 1
    named = [size for size, _ in firsts.most_common()]
    named += [size // 10 for size in named if size % 10 == 0]
    return list(dict.fromkeys(size for size in [*named[:4], *USUAL_BATCH_SIZES] if 1 < size <= LARGEST_BATCH_SIZE))[
        :MOST_ATTEMPTS
    ]


def _warnings(run: Run, batch_size: int | None, shape: SequenceShape) -> list[str]:
    number = batch_size or 3
    noise = _noise(number, shape)
    together, again = run(noise), run(noise)
    warnings = []
    if _differ(together, again):
        warnings.append("its predictions differ from run to run; remove dropout and other noise from the graph")
    elif _differ(_first(together, shape), _first(run(_others_changed(noise, batch_size)), shape)):
        warnings.append(
            "its predictions for a sequence depend on the other sequences of the batch, so its score depends on the "
            "batch size; save it with batch normalization in inference mode"
        )
    for colours in ([0], [0, 77, 255]):
        frames = np.zeros((batch_size or len(colours), *shape.frames), np.uint8)
        frames[: len(colours)] += np.array(colours[: len(frames)], np.uint8).reshape(-1, 1, 1, 1, 1)
        if not np.isfinite(_computed(run, frames)).all():
            warnings.append(
                "joint_pos is NaN or infinite for a frame of one colour; never divide by a standard deviation of zero"
            )
            break
    return warnings


def _computed(run: Run, frames: np.ndarray) -> np.ndarray:
    """The positions, or NaN if the graph fails."""
    try:
        return run(frames)
    except Exception:
        return np.array([np.nan])


def _first(positions: np.ndarray, shape: SequenceShape) -> np.ndarray:
    """The positions of the first sequence."""
    return positions.ravel()[: int(np.prod(shape.labels))]


def _others_changed(noise: np.ndarray, batch_size: int | None) -> np.ndarray:
    """The first sequence alone or, if the batch size is fixed, among different ones."""
    return noise[:1] if batch_size is None else np.concatenate([noise[:1], noise[1:] // 4])


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    return not np.allclose(one, other, rtol=1e-3, atol=LARGEST_DIFFERENCE, equal_nan=True)


def _noise(number: int, shape: SequenceShape) -> np.ndarray:
    """Random frames, uint8 (number, 10, 64, 64, 3); the first ones do not depend on `number`."""
    return np.random.default_rng(0).integers(0, 256, (number, *shape.frames), np.uint8)
