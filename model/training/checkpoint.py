"""The checkpoints of a training run: weights, Adam's moments, averages, step, seconds and best error.

The best model up to each checkpoint is in a separate folder, named after its step. That folder never changes, so a run
that resumes from a checkpoint finds the best model of that time.
"""

from __future__ import annotations

import faulthandler
import math
import multiprocessing
import os
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from model.tensorflow_errors import user_errors_of_saving
from model.training.graph import TrainingGraph
from pipeline.tensorflow_v1 import tf
from support.sandbox.child_process import silence
from support.sandbox.limits import Limits, enforce
from support.user_error import UserError

NAME = "training"
STEP_OF_CHECKPOINT = re.compile(rf"{NAME}-(\d+)\.index")
STEP_OF_BEST = re.compile(r"best-(\d+)")
KEPT = 2  # checkpoints, and best models: the newest, and one to resume from if the newest is damaged
SECONDS_TO_READ = 120


@dataclass(frozen=True)
class Checkpoint:
    path: str  # prefix of its files
    step: int
    damaged: list[str]  # names of newer checkpoints, all of which are damaged


def save_checkpoint(
    folder: str, training: TrainingGraph, session: tf.Session, seconds: float, best_error: float
) -> None:
    """Writes a checkpoint to the folder and keeps the previous one.

    seconds: of training so far. best_error: the best validation error so far, in pixels. Raises UserError if the disk
    is full; the earlier checkpoints are kept then.
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
    """The newest undamaged Checkpoint in the folder; None if there are no checkpoints.

    Every value is read and compared with its checksum. tf.train.latest_checkpoint was considered: it trusts the file
    `checkpoint`, which may be damaged too. Raises UserError if all checkpoints are damaged.
    """
    damaged: list[str] = []
    for step in sorted(_steps(folder, STEP_OF_CHECKPOINT), reverse=True):
        path = os.path.join(folder, f"{NAME}-{step}")
        if _is_sound(path):
            return Checkpoint(path, step, damaged)
        damaged.append(os.path.basename(path))
    if damaged:
        raise UserError(f"{folder} has only damaged checkpoints; start a new run")
    return None


def _steps(folder: str, pattern: re.Pattern[str]) -> list[int]:
    """The steps in the names that match the pattern; none if there is no such folder."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [int(match[1]) for match in map(pattern.fullmatch, names) if match]


def _is_sound(path: str) -> bool:
    """Whether TensorFlow can read all values. It does so in a separate process, which a damaged index may abort."""
    _ = tf.train  # A forked process does not import TensorFlow again.
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    process = context.Process(target=_read_all_values, args=(path,), daemon=True)
    process.start()
    process.join(SECONDS_TO_READ)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def _read_all_values(path: str) -> None:
    """Ends the process with another status than 0 if the checkpoint is damaged."""
    silence()
    faulthandler.disable()
    _ = tf.train
    enforce(Limits())
    values = tf.train.load_checkpoint(path)
    shapes, dtypes = values.get_variable_to_shape_map(), values.get_variable_to_dtype_map()
    # A damaged index can claim any size, for which get_tensor would allocate memory.
    claimed = sum(math.prod(shape) * max(dtypes[name].size, 1) for name, shape in shapes.items())
    if not 0 < claimed <= os.path.getsize(f"{path}.data-00000-of-00001"):
        raise SystemExit(1)
    for name in shapes:
        values.get_tensor(name)


def restore_checkpoint(
    checkpoint: Checkpoint, training: TrainingGraph, session: tf.Session
) -> tuple[int, float, float]:
    """Restores a Checkpoint; returns (step, seconds of training, best validation error in pixels).

    Removes the checkpoints of later steps from its folder, and the temporary files of a killed process. Raises
    UserError if the checkpoint does not fit the graph.
    """
    try:
        training.saver.restore(session, checkpoint.path)
    except tf.errors.OpError as error:
        raise UserError(f"{checkpoint.path} belongs to another version of the network; start a new run") from error
    folder = os.path.dirname(checkpoint.path)
    steps = sorted(step for step in _steps(folder, STEP_OF_CHECKPOINT) if step <= checkpoint.step)[-KEPT:]
    _keep_only(folder, steps)
    # A new Saver knows only the checkpoints that it has written, and would never remove these. The times are unused.
    training.saver.set_last_checkpoints_with_time([(os.path.join(folder, f"{NAME}-{step}"), 0.0) for step in steps])
    step, progress = session.run([training.global_step, training.progress])
    return int(step), float(progress["training_seconds"]), float(progress["best_validation_error"])


def _keep_only(folder: str, steps: Iterable[int]) -> None:
    """Removes everything except the checkpoints of these steps from the folder."""
    kept = {"checkpoint"}
    kept.update(f"{NAME}-{step}.{end}" for step in steps for end in ("index", "data-00000-of-00001"))
    for name in set(os.listdir(folder)) - kept:
        os.remove(os.path.join(folder, name))


def best_model(folder: str, step: int) -> str:
    """The folder for the best model, saved at this step. folder: the parent of the folders of all best models."""
    return os.path.join(folder, f"best-{step}")


def newest_best_model(folder: str) -> str | None:
    """The folder of the best model so far, or None."""
    steps = _steps(folder, STEP_OF_BEST)
    return best_model(folder, max(steps)) if steps else None


def keep_best_models(folder: str, last_step: int) -> None:
    """Removes the best models without a checkpoint: keeps the two newest up to last_step."""
    steps = sorted(_steps(folder, STEP_OF_BEST))
    kept = [step for step in steps if step <= last_step][-KEPT:]
    for step in steps:
        if step not in kept:
            shutil.rmtree(best_model(folder, step))
