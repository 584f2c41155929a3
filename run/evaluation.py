"""Evaluation during training: scores the averaged weights, keeps the best model, and saves the state of the run."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from functools import partial

import numpy as np
from tqdm import tqdm

from evaluation.examples import spaced_examples
from evaluation.pixel_errors import PixelErrors
from evaluation.scores import errors_of
from model.export.graph import InferenceGraph, build_inference_graph, load_weights
from model.export.saved_model import save_model
from model.predictor import Predictor
from model.training.checkpoint import (
    Checkpoint,
    best_model,
    keep_best_models,
    newest_best_model,
    newest_checkpoint,
    save_checkpoint,
)
from model.training.graph import TrainingGraph, exported_weights
from model.training.steps import Steps
from pipeline.batch_order import steps_per_epoch
from pipeline.store.blocks import by_video
from pipeline.tensorflow_v1 import tf
from report.event_files import EventFile, begun_event_file, write_events
from run.data import RunData
from run.folder import RunPaths
from run.history import append_to_history, read_history, start_history
from run.progress import RunDuration, measured_duration
from run.settings import Settings
from support.user_error import UserError


def checkpoint_to_resume(paths: RunPaths) -> Checkpoint | None:
    """The newest undamaged Checkpoint in the run's folder, or None for a run that has not saved one yet.

    Warns if newer ones are damaged. Raises UserError if history.csv shows that there was a checkpoint.
    """
    checkpoint = newest_checkpoint(paths.last_states)
    # A row is written before the checkpoint of the same step.
    if checkpoint is None and os.path.exists(paths.history) and len(read_history(paths.history)) > 1:
        raise UserError(f"{paths.last_states} has no checkpoint to resume from; start a new run")
    if checkpoint and checkpoint.damaged:
        damaged, step = " and ".join(checkpoint.damaged), checkpoint.step
        print(f"warning: {damaged} in {paths.last_states}: damaged; resuming from step {step}", file=sys.stderr)
    return checkpoint


class Evaluator:
    """Evaluates the weights of a training session with the graph that is exported, and saves what a run keeps."""

    def __init__(
        self,
        settings: Settings,
        paths: RunPaths,
        data: RunData,
        training: TrainingGraph,
        session: tf.Session,
        inference: InferenceGraph,
        inference_session: tf.Session,
        events: EventFile | None,
    ) -> None:
        self._paths = paths
        self._data = data
        self._training = training
        self._session = session
        self._inference = inference
        self._inference_session = inference_session
        self._events = events
        self._predictor = Predictor(inference_session, inference.input_frames, inference.joint_pos, inference.shared)
        self._steps_per_epoch = steps_per_epoch(len(data.training), settings.batch_size)
        self._best_error = math.inf
        if newest_best_model(paths.checkpoints) is not None:
            self._best_error = float(session.run(training.progress["best_validation_error"]))

    def measured_duration(self) -> RunDuration:
        """How long the parts of this run take besides training steps: see run.progress.measured_duration."""
        self._load_weights()
        score = partial(errors_of, self._predictor, self._data.validation_store)
        validation = by_video(self._data.validation_store, self._data.validation)
        return measured_duration(score, self._data.monitored, validation)

    def evaluate_and_save(self, steps: Steps, train_loss: float, learning_rate: float) -> None:
        """Scores the averaged weights on part of the validation set and saves the model if it is the best so far.

        If the validation set is part of the training set, its error cannot select a model: the last weights are kept.
        train_loss: the mean since the last evaluation, px². learning_rate: of the last step. Raises UserError if the
        loss or a weight became NaN or infinite, or if the disk is full.
        """
        with steps.spent.measured("evaluating"):
            require_finite(train_loss, self._load_weights(), steps.number)
            errors = errors_of(self._predictor, self._data.validation_store, self._data.monitored)
        with steps.spent.measured("saving"):
            row = self._saved(steps, train_loss, errors)
        if self._events is not None:
            examples = spaced_examples(self._predictor, self._data.validation_store, self._data.validation)
            write_events(self._events, row, learning_rate, examples)
        tqdm.write(
            f"step {row['step']:6}  {row['seconds']:6.1f} s  training loss {train_loss:7.2f} px²  "
            f"validation loss {row['validation_loss']:7.2f} px²  pixel error {row['validation_pixel_error']:6.3f} px"
        )
        sys.stdout.flush()

    def _saved(self, steps: Steps, train_loss: float, errors: PixelErrors) -> dict[str, float]:
        """Saves the model if it is the best so far, the row of history.csv and the state; returns the row."""
        if errors.mean_pixel_error < self._best_error or self._data.validates_on_training:
            self._best_error = errors.mean_pixel_error
            save_model(best_model(self._paths.checkpoints, steps.number), self._inference, self._inference_session)
        row = {
            "step": steps.number,
            "epoch": steps.number // self._steps_per_epoch,
            "seconds": round(steps.seconds, 3),
            "train_loss": train_loss,
            "validation_loss": errors.mean_squared_error,
            "validation_pixel_error": errors.mean_pixel_error,
        }
        append_to_history(self._paths.history, row)
        # Last, because it decides what counts: a resumed run drops everything that is newer than its checkpoint.
        save_checkpoint(self._paths.last_states, self._training, self._session, steps.seconds, self._best_error)
        keep_best_models(self._paths.checkpoints, steps.number)
        return row

    def _load_weights(self) -> dict[str, np.ndarray]:
        """Copies the averaged weights to the inference graph; returns them by variable name."""
        weights = exported_weights(self._training, self._session)
        load_weights(self._inference, self._inference_session, weights)
        return weights


@contextlib.contextmanager
def opened_evaluator(
    settings: Settings,
    paths: RunPaths,
    data: RunData,
    training: TrainingGraph,
    session: tf.Session,
    writes_events: bool,
) -> Iterator[Evaluator]:
    """An Evaluator with a separate inference graph and session.

    Removes from the run's folder what is newer than the session's step. writes_events: whether to write event files
    for TensorBoard.
    """
    step = int(session.run(training.global_step))
    os.makedirs(paths.last_states, exist_ok=True)
    start_history(paths.history, step)
    keep_best_models(paths.checkpoints, step)
    inference = build_inference_graph(
        settings.network, settings.num_units, "mirror" in settings.augment, data.store.shape
    )
    with tf.Session(graph=inference.graph) as inference_session, contextlib.ExitStack() as files:
        events = None
        if writes_events:
            events = files.enter_context(begun_event_file(paths.event_files, training.graph, step))
        yield Evaluator(settings, paths, data, training, session, inference, inference_session, events)


def require_finite(train_loss: float, weights: dict[str, np.ndarray], step: int) -> None:
    """Raises UserError if the loss or one of the weights, by name, is NaN or infinite."""
    if not (math.isfinite(train_loss) and all(np.isfinite(values).all() for values in weights.values())):
        raise UserError(f"the loss became NaN or infinite at step {step}; start again with a lower --learning-rate")
