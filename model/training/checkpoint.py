"""The last states of a training run: weights, Adam's moments, averages, step, seconds, best error, in one checkpoint.

The best model up to each of them lies in a folder of its own, named after its step: it is never changed, and whoever
goes on from a state finds the one that it knew.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import NamedTuple

from command_line.user_error import UserError
from model.save_errors import user_errors_of_saving
from pipeline.tensorflow_v1 import tf

NAME = "training"
STEP_OF_STATE = re.compile(rf"{NAME}-(\d+)\.index")
STEP_OF_BEST = re.compile(r"best-(\d+)")
KEPT = 2  # of each: the newest, and the one to go on from where that turns out to be cut short


class Checkpoint(NamedTuple):
    """A state on disk: the prefix of its files, its step, and the names of newer ones, which are cut or damaged."""

    path: str
    step: int
    damaged: list


def save_checkpoint(folder, training, session, seconds, best_error):
    """Writes the state to the folder and keeps the one before it. seconds: of training so far. best_error: pixels.

    Raises UserError where the disk is full; the states before it then stay.
    """
    values = {"training_seconds": seconds, "best_validation_error": best_error}
    for name, variable in training.progress.items():
        session.run(variable.initializer, {variable.initializer.inputs[1]: values[name]})
    path = os.path.join(folder, NAME)
    try:
        with user_errors_of_saving(folder):
            training.saver.save(session, path, global_step=training.global_step, write_meta_graph=False)
    except UserError:
        _keep_only(folder, _steps(folder, STEP_OF_STATE))
        raise


def newest_checkpoint(folder):
    """The Checkpoint of the newest whole state in the folder, or None where it holds no state, whole or not.

    Every value is read and compared with its checksum. TensorFlow's own list of states, the file `checkpoint`, is not
    asked, since it may be cut short too. Raises UserError where no state is whole.
    """
    damaged = []
    for step in sorted(_steps(folder, STEP_OF_STATE), reverse=True):
        path = os.path.join(folder, f"{NAME}-{step}")
        if _is_whole(path):
            return Checkpoint(path, step, damaged)
        damaged.append(os.path.basename(path))
    if damaged:
        raise UserError(f"{folder} holds no whole checkpoint to go on from; start a new run")
    return None


def _steps(folder, pattern):
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [int(match[1]) for match in map(pattern.fullmatch, names) if match]


def _is_whole(path):
    try:
        values = tf.train.load_checkpoint(path)
        for name in values.get_variable_to_shape_map():
            values.get_tensor(name)
    except (tf.errors.OpError, IndexError, ValueError):  # load_checkpoint raises IndexError where the data end early.
        return False
    return True


def restore_checkpoint(checkpoint, training, session):
    """Restores a Checkpoint; returns (step, seconds of training, best validation error in pixels).

    Removes what its folder holds of later steps, and what a process that was killed left half-written. Raises UserError
    where the state is not one of this graph.
    """
    try:
        training.saver.restore(session, checkpoint.path)
    except tf.errors.OpError as error:
        raise UserError(f"{checkpoint.path} is of another version of the network; start a new run") from error
    folder = os.path.dirname(checkpoint.path)
    steps = sorted(step for step in _steps(folder, STEP_OF_STATE) if step <= checkpoint.step)[-KEPT:]
    _keep_only(folder, steps)
    # A new Saver knows of no states but its own, and would never remove these.
    paths = [os.path.join(folder, f"{NAME}-{step}") for step in steps]
    training.saver.set_last_checkpoints_with_time([(path, os.path.getmtime(f"{path}.index")) for path in paths])
    step, progress = session.run([training.global_step, training.progress])
    return int(step), float(progress["training_seconds"]), float(progress["best_validation_error"])


def _keep_only(folder, steps):
    """Removes what is not of the states of these steps, TensorFlow's temporary files among it."""
    kept = {"checkpoint"}
    kept.update(f"{NAME}-{step}.{end}" for step in steps for end in ("index", "data-00000-of-00001"))
    for name in set(os.listdir(folder)) - kept:
        os.remove(os.path.join(folder, name))


def best_model(folder, step):
    """Where the model of this step belongs, if it is the best so far. folder: that of all the best models."""
    return os.path.join(folder, f"best-{step}")


def newest_best_model(folder):
    """The folder of the best model so far, or None."""
    steps = _steps(folder, STEP_OF_BEST)
    return best_model(folder, max(steps)) if steps else None


def keep_best_models(folder, last_step):
    """Removes all but what belongs to the states that are kept: the two newest, and none that is newer than a step."""
    steps = sorted(_steps(folder, STEP_OF_BEST))
    kept = [step for step in steps if step <= last_step][-KEPT:]
    for step in steps:
        if step not in kept:
            shutil.rmtree(best_model(folder, step))
