"""The checkpoints of a training run: weights, Adam's moments, averages, step, seconds and best error, all in one.

The best model up to each checkpoint is in a folder of its own, named after its step. That folder is never changed, so a
run that resumes from a checkpoint finds the best model of that time.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from typing import NamedTuple

from model.save_errors import user_errors_of_saving
from model.training.checkpoint_index import is_sound_index
from model.training.graph import TrainingGraph
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError

NAME = "training"
STEP_OF_CHECKPOINT = re.compile(rf"{NAME}-(\d+)\.index")
STEP_OF_BEST = re.compile(r"best-(\d+)")
KEPT = 2  # checkpoints, and best models: the newest, and one to resume from where the newest is damaged


class Checkpoint(NamedTuple):
    """A checkpoint on disk. path: the prefix of its files. damaged: the names of newer ones, all of them damaged."""

    path: str
    step: int
    damaged: list[str]


def save_checkpoint(
    folder: str, training: TrainingGraph, session: tf.Session, seconds: float, best_error: float
) -> None:
    """Writes a checkpoint to the folder and keeps the one before it.

    seconds: of training so far. best_error: the best validation error so far, pixels. Raises UserError where the disk
    is full; the earlier checkpoints then stay.
    """
    values = {"training_seconds": seconds, "best_validation_error": best_error}
    for name, variable in training.progress.items():
        session.run(variable.initializer, {variable.initializer.inputs[1]: values[name]})
    path = os.path.join(folder, NAME)
    try:
        with user_errors_of_saving(folder):
            training.saver.save(session, path, global_step=training.global_step, write_meta_graph=False)
    except UserError:
        _keep_only(folder, _steps(folder, STEP_OF_CHECKPOINT))
        raise


def newest_checkpoint(folder: str) -> Checkpoint | None:
    """The newest undamaged Checkpoint in the folder, or None where it holds none, damaged or not.

    Every value is read and compared with its checksum. tf.train.latest_checkpoint was considered: it trusts the file
    `checkpoint`, which may be damaged too. Raises UserError where all checkpoints are damaged.
    """
    damaged: list[str] = []
    for step in sorted(_steps(folder, STEP_OF_CHECKPOINT), reverse=True):
        path = os.path.join(folder, f"{NAME}-{step}")
        if _is_whole(path):
            return Checkpoint(path, step, damaged)
        damaged.append(os.path.basename(path))
    if damaged:
        raise UserError(f"{folder} holds no whole checkpoint to go on from; start a new run")
    return None


def _steps(folder: str, pattern: re.Pattern[str]) -> list[int]:
    """The steps in those names in the folder that match the pattern; none where there is no folder."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [int(match[1]) for match in map(pattern.fullmatch, names) if match]


def _is_whole(path: str) -> bool:
    if not is_sound_index(path):
        return False
    try:
        values = tf.train.load_checkpoint(path)
        for name in values.get_variable_to_shape_map():
            values.get_tensor(name)
    except (tf.errors.OpError, IndexError, ValueError):  # load_checkpoint raises IndexError where the data end early
        return False
    return True


def restore_checkpoint(
    checkpoint: Checkpoint, training: TrainingGraph, session: tf.Session
) -> tuple[int, float, float]:
    """Restores a Checkpoint; returns (step, seconds of training, best validation error in pixels).

    Removes the checkpoints of later steps from its folder, and the temporary files of a process that was killed. Raises
    UserError where the checkpoint does not fit the graph.
    """
    try:
        training.saver.restore(session, checkpoint.path)
    except tf.errors.OpError as error:
        raise UserError(f"{checkpoint.path} is of another version of the network; start a new run") from error
    folder = os.path.dirname(checkpoint.path)
    steps = sorted(step for step in _steps(folder, STEP_OF_CHECKPOINT) if step <= checkpoint.step)[-KEPT:]
    _keep_only(folder, steps)
    # A new Saver knows only the checkpoints that it has written, and would never remove these. Times are not used.
    training.saver.set_last_checkpoints_with_time([(os.path.join(folder, f"{NAME}-{step}"), 0.0) for step in steps])
    step, progress = session.run([training.global_step, training.progress])
    return int(step), float(progress["training_seconds"]), float(progress["best_validation_error"])


def _keep_only(folder: str, steps: Iterable[int]) -> None:
    """Removes everything but the checkpoints of these steps from the folder, TensorFlow's temporary files too."""
    kept = {"checkpoint"}
    kept.update(f"{NAME}-{step}.{end}" for step in steps for end in ("index", "data-00000-of-00001"))
    for name in set(os.listdir(folder)) - kept:
        os.remove(os.path.join(folder, name))


def best_model(folder: str, step: int) -> str:
    """The folder for the model of this step, if it is the best so far. folder: the parent of all the best models."""
    return os.path.join(folder, f"best-{step}")


def newest_best_model(folder: str) -> str | None:
    """The folder of the best model so far, or None."""
    steps = _steps(folder, STEP_OF_BEST)
    return best_model(folder, max(steps)) if steps else None


def keep_best_models(folder: str, last_step: int) -> None:
    """Removes the best models that belong to no checkpoint: keeps the two newest of those up to last_step."""
    steps = sorted(_steps(folder, STEP_OF_BEST))
    kept = [step for step in steps if step <= last_step][-KEPT:]
    for step in steps:
        if step not in kept:
            shutil.rmtree(best_model(folder, step))
