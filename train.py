"""Trains a pose estimator on a converted data set and exports it in the form that the course grades."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from evaluation.examples import spaced_examples
from evaluation.scores import errors_of
from model.export.graph import InferenceGraph, build_inference_graph, load_weights
from model.export.saved_model import save_model
from model.predictor import Predictor
from model.session_config import keep_each_op_on_a_thread, resolve_precision, session_config
from model.training.checkpoint import (
    Checkpoint,
    best_model,
    keep_best_models,
    newest_best_model,
    newest_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from model.training.graph import TrainingGraph, build_training_graph, exported_weights, initial_values, load_values
from model.training.learning_rate import learning_rate, share_done
from model.training.steps import Steps
from pipeline.augmentation.augment import Augmentation
from pipeline.batch_order import steps_per_epoch
from pipeline.dataset import make_dataset, user_errors_of_dataset
from pipeline.frame_window import BatchOrder
from pipeline.tensorflow_v1 import tf
from report.event_files import EventFile, begun_event_file, write_events
from run.arguments import parse_arguments
from run.cluster.compared_facts import facts_to_compare
from run.cluster.membership import Membership, join, require_divisible
from run.cluster.tf_config import cluster_of, precision_of
from run.cluster.worker_watch import certain_end
from run.config_file import read_config, write_config
from run.data import RunData, check_same_data, data_identity, describe_run_data, open_run_data
from run.duration import RunDuration, measured_duration
from run.finish import finish
from run.folder import claimed_folder
from run.history import append_to_history, read_history, start_history
from run.paths import RunPaths
from run.progress import shown_progress
from run.schedule import next_evaluation
from run.settings import Settings
from run.stop_signals import stop_signals
from support.signals import reported_sudden_end
from support.user_error import UserError, reported_user_errors

OUT_OF_MEMORY = "out of memory; close other programs or use a smaller --batch-size"
KILLED = (
    "the run was killed or aborted, as it is where memory runs out; close other programs or use a smaller "
    "--batch-size, then --resume goes on from the last evaluation"
)


class State(NamedTuple):
    """Where a run is: steps taken, seconds of training, and the best validation error so far, in pixels."""

    step: int
    seconds: float
    best_error: float


class Evaluation(NamedTuple):
    """What evaluates the weights: a graph, its session, and what predicts with it. events: for TensorBoard, or None."""

    inference: InferenceGraph
    session: tf.Session
    predictor: Predictor
    events: EventFile | None


class Plan(NamedTuple):
    """What is to be trained, and by whom.

    precision: "float32" or "bfloat16". membership: of the workers that train; all but the chief leave nothing.
    checkpoint: to go on from, or None. has_event_files: whether TensorBoard's are written.
    """

    settings: Settings
    paths: RunPaths
    data: RunData
    precision: str
    membership: Membership
    checkpoint: Checkpoint | None
    has_event_files: bool


class Run(NamedTuple):
    """What a run consists of: the training graph, its session, and what evaluates the weights, on the chief alone."""

    plan: Plan
    training: TrainingGraph
    session: tf.Session
    evaluation: Evaluation | None


def main() -> None:
    began = time.perf_counter()
    with reported_user_errors():
        cluster = cluster_of(os.environ)
    with (
        certain_end(cluster.is_alone),
        reported_user_errors(OUT_OF_MEMORY),
        # In a cluster the other workers say so.
        reported_sudden_end(KILLED) if cluster.is_alone else contextlib.nullcontext(),
        contextlib.ExitStack() as open_files,
    ):
        settings, out, is_resumed, has_event_files = parse_arguments(__doc__, cluster.is_chief)
        require_divisible(cluster, settings.exact)
        wanted_precision = precision_of(cluster, settings.exact, settings.precision)
        if not cluster.is_chief:
            # The run's folder is the chief's; this one may be on a machine that does not see it.
            out, is_resumed, has_event_files = open_files.enter_context(tempfile.TemporaryDirectory()), False, False
        paths = RunPaths(out)
        open_files.enter_context(claimed_folder(out, is_resumed))
        data = open_run_data(settings, paths, open_files)
        if is_resumed:
            check_same_data(read_config(paths.config), data)
        description = describe_run_data(settings, data)
        print(description, flush=True)
        # The first use of TensorFlow, which imports it: everything that the user may have got wrong is checked by now.
        keep_each_op_on_a_thread(settings.members)
        precision = resolve_precision(wanted_precision)
        checkpoint = checkpoint_to_resume(paths)
        membership = join(
            cluster, facts_to_compare(settings, data_identity(data), precision), checkpoint.step if checkpoint else 0
        )
        write_config(paths.config, settings, data_identity(data))
        plan = Plan(settings, paths, data, precision, membership, checkpoint, has_event_files)
        with stop_signals() as is_stopping:
            train(plan, is_stopping, began)
            if cluster.is_chief:
                finish(paths, data, description)


def train(plan: Plan, is_stopping: Callable[[], bool], began: float) -> None:
    """Builds both graphs and trains; leaves history.csv and checkpoints/, the best model among them, in the folder.

    began: what time.perf_counter() said when the command began.
    """
    building_began = time.perf_counter()
    settings, paths, data, _, membership, checkpoint, has_event_files = plan
    os.makedirs(paths.last_states, exist_ok=True)
    first_step, sharing = membership.first_step, membership.sharing(settings.exact)
    order = BatchOrder(data.training, settings.batch_size, settings.seed, first_step, settings.window_megabytes)
    kinds = tuple(settings.augment)
    augmentation = Augmentation(kinds, settings.seed, first_step) if kinds else None
    dataset = partial(make_dataset, data.path, order, augmentation, data.store.shape)
    network, num_units, members = settings.network, settings.num_units, settings.members
    own_part = partial(dataset, sharing and sharing.part)
    training = build_training_graph(own_part, network, num_units, data.mean_pose, settings.seed, members, sharing)
    config = membership.session_config(session_config(plan.precision))
    with (
        membership.broken_cluster(),
        tf.Session(membership.target, training.graph, config) as session,
        user_errors_of_dataset(),
        memory_errors(),
    ):
        session.run(training.initialize)
        state = State(first_step, 0.0, math.inf)
        if not membership.cluster.is_chief:
            training_loop(Run(plan, training, session, None), state, None, is_stopping)
            return
        start_history(paths.history, first_step)
        keep_best_models(paths.checkpoints, first_step)
        if checkpoint:
            state = State(*restore_checkpoint(checkpoint, training, session))
        elif sharing:
            # Those that one worker alone begins with, whatever shares the steps.
            alone = build_training_graph(dataset, network, num_units, data.mean_pose, settings.seed, members)
            load_values(training, session, initial_values(alone))
        if newest_best_model(paths.checkpoints) is None:
            state = state._replace(best_error=math.inf)
        inference = build_inference_graph(network, num_units, "mirror" in kinds, members, data.store.shape)
        event_file = begun_event_file(paths.event_files, training.graph, first_step) if has_event_files else no_events()
        with tf.Session(graph=inference.graph) as inference_session, event_file as events:
            load_weights(inference, inference_session, exported_weights(training, session))
            predictor = Predictor(inference_session, inference.input_frames, inference.joint_pos, inference.shared)
            evaluation = Evaluation(inference, inference_session, predictor, events)
            run = Run(plan, training, session, evaluation)
            score = partial(errors_of, predictor, data.validation_store)
            duration = measured_duration(score, data.watched, data.validation, began, building_began)
            training_loop(run, state, duration, is_stopping)


@contextlib.contextmanager
def memory_errors() -> Iterator[None]:
    """Raises MemoryError where TensorFlow runs out of memory."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error


def no_events() -> contextlib.AbstractContextManager[None]:
    """In the place of begun_event_file where TensorBoard is not asked for."""
    return contextlib.nullcontext()


def checkpoint_to_resume(paths: RunPaths) -> Checkpoint | None:
    """The newest whole Checkpoint in the run's folder, or None where the run has not come to its first.

    Warns where it is not the newest of all. Raises UserError where there was one once.
    """
    checkpoint = newest_checkpoint(paths.last_states)
    # A row is written before the checkpoint of the same step.
    if checkpoint is None and os.path.exists(paths.history) and len(read_history(paths.history)) > 1:
        raise UserError(f"{paths.last_states} holds no checkpoint to go on from; start a new run")
    if checkpoint and checkpoint.damaged:
        damaged, step = " and ".join(checkpoint.damaged), checkpoint.step
        print(f"warning: {damaged} in {paths.last_states}: cut short; going on from step {step}", file=sys.stderr)
    return checkpoint


def training_loop(run: Run, state: State, duration: RunDuration | None, is_stopping: Callable[[], bool]) -> None:
    """Trains from `state` until the run's limit, or until it is stopped, and evaluates every so often.

    duration: what to show the progress with, or None to show none.
    """
    settings, membership = run.plan.settings, run.plan.membership
    epoch_steps = steps_per_epoch(len(run.plan.data.training), settings.batch_size)
    total_steps = settings.epochs and settings.epochs * epoch_steps
    steps = Steps(run.training, run.session, membership.cluster.is_chief, state.seconds, is_stopping)
    state = state._replace(seconds=steps.begin())
    done = share_done(state.seconds, state.step, settings.time_limit, total_steps)
    with shown_progress(settings, duration, state.seconds, done) if duration else no_progress() as show:
        while done < 1 and not steps.is_stopping():
            losses, evaluate_at = [], next_evaluation(done, settings.evaluations)
            while done < evaluate_at and not steps.is_stopping():
                rate = learning_rate(settings.learning_rate, done)
                loss, seconds = steps.take(rate)
                state = state._replace(step=state.step + 1, seconds=seconds)
                losses.append(loss)
                done = share_done(state.seconds, state.step, settings.time_limit, total_steps)
                show(state.step, state.seconds, done, losses[-1])
            if losses and run.evaluation:
                state = evaluate_and_save(run, run.evaluation, state, sum(losses) / len(losses), rate)
        membership.leave()
        if steps.is_stopping():
            tqdm.write("stopped; --resume goes on from here")


@contextlib.contextmanager
def no_progress() -> Iterator[Callable[..., None]]:
    """In the place of shown_progress on a worker that follows the chief."""
    yield lambda *_: None


def evaluate_and_save(run: Run, evaluation: Evaluation, state: State, train_loss: float, rate: float) -> State:
    """Scores the averaged weights on the watched sequences, keeps them if they are the best, saves the run's state.

    Where the sequences are trained on, their error does not say which weights are best, and the last ones are kept.
    train_loss: the mean since the last evaluation, px². rate: the learning rate of the last step. Returns the new
    State.
    """
    data, paths = run.plan.data, run.plan.paths
    weights = exported_weights(run.training, run.session)
    require_finite(train_loss, weights, state.step)
    load_weights(evaluation.inference, evaluation.session, weights)
    errors = errors_of(evaluation.predictor, data.validation_store, data.watched)
    if errors.mean_pixel_error < state.best_error or data.validates_on_training:
        state = state._replace(best_error=errors.mean_pixel_error)
        save_model(best_model(paths.checkpoints, state.step), evaluation.inference, evaluation.session)
    row = {
        "step": state.step,
        "epoch": state.step // steps_per_epoch(len(data.training), run.plan.settings.batch_size),
        "seconds": round(state.seconds, 3),
        "train_loss": train_loss,
        "validation_loss": errors.mean_squared_error,
        "validation_pixel_error": errors.mean_pixel_error,
    }
    append_to_history(paths.history, row)
    # Last, for it counts: a resumed run drops what belongs to later steps than the checkpoint's.
    save_checkpoint(paths.last_states, run.training, run.session, state.seconds, state.best_error)
    keep_best_models(paths.checkpoints, state.step)
    if evaluation.events is not None:
        examples = spaced_examples(evaluation.predictor, data.validation_store, data.validation)
        write_events(evaluation.events, row, rate, examples)
    tqdm.write(
        f"step {row['step']:6}  {row['seconds']:6.1f} s  training loss {train_loss:7.2f} px²  "
        f"validation loss {row['validation_loss']:7.2f} px²  pixel error {row['validation_pixel_error']:6.3f} px"
    )
    sys.stdout.flush()
    return state


def require_finite(train_loss: float, weights: dict[str, np.ndarray], step: int) -> None:
    """Raises UserError where the loss or one of the weights, by name, is NaN or infinite."""
    if not (math.isfinite(train_loss) and all(np.isfinite(values).all() for values in weights.values())):
        raise UserError(f"the loss is no number any more at step {step}; start again with a lower --learning-rate")


if __name__ == "__main__":
    main()
