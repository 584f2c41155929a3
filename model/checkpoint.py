"""The last state of a training run: weights, Adam's moments, averages, step, seconds, best error, in one checkpoint."""

import os

from pipeline.tensorflow_v1 import tf
from pipeline.user_error import UserError

NAME = "training"


def save_checkpoint(folder, training, session, seconds, best_error):
    """Writes the state to the folder and keeps the one before it. seconds: of training so far. best_error: pixels."""
    values = {"training_seconds": seconds, "best_validation_error": best_error}
    for name, variable in training.progress.items():
        session.run(variable.initializer, {variable.initializer.inputs[1]: values[name]})
    path = os.path.join(folder, NAME)
    training.saver.save(session, path, global_step=training.global_step, write_meta_graph=False)


def restore_checkpoint(folder, training, session):
    """Restores the newest state; returns (step, seconds of training, best validation error in pixels)."""
    training.saver.restore(session, _newest(folder))
    step, progress = session.run([training.global_step, training.progress])
    return int(step), float(progress["training_seconds"]), float(progress["best_validation_error"])


def checkpointed_step(folder):
    """The step of the newest state in the folder; raises UserError where there is none."""
    return int(tf.train.load_checkpoint(_newest(folder)).get_tensor("global_step"))


def _newest(folder):
    path = tf.train.latest_checkpoint(folder)
    if path is None:
        raise UserError(f"{folder} holds no checkpoint to go on from; start a new run")
    return path
