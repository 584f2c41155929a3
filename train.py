"""Trains a pose estimator on a converted data set and exports it in the form that the course grades."""

import contextlib
import math
import os
import sys
import time
from functools import partial
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from command_line.user_error import UserError, reported_user_errors
from evaluate import (
    make_metrics,
    predict_examples,
    print_scores,
    score_pose,
    score_sequences,
    verdict,
    worst_examples,
    write_scores,
)
from evaluation.hardest import Hardest
from evaluation.sequence_ranking import SequenceRanking
from pipeline.batch_order import endless_batches, steps_per_epoch
from run.data import check_same_data, data_identity, describe_run_data, open_run_data
from run.duration import in_words, measured_duration, training_seconds_left
from run.folder import claimed_folder
from run.history import append_to_history, read_history, start_history
from run.settings import parse_settings, read_config, write_config
from run.stop_signals import stop_signals


class State(NamedTuple):
    """Where a run is: steps taken, seconds of training, and the best validation error so far, in pixels."""

    step: int
    seconds: float
    best_error: float


class Run(NamedTuple):
    """What a run consists of: settings, data, the two graphs, each with its session, and what predicts in the second.

    settings: dict. data: RunData. training: TrainingGraph. inference: InferenceGraph. predictor: Predictor. events: what
    writes for TensorBoard, or None.
    """

    settings: dict
    data: NamedTuple
    training: NamedTuple
    session: object
    inference: NamedTuple
    inference_session: object
    predictor: object
    events: object


def main():
    began = time.perf_counter()
    with reported_user_errors(), contextlib.ExitStack() as open_files:
        settings = parse_settings(__doc__)
        open_files.enter_context(claimed_folder(settings["out"], settings["resume"]))
        data = open_run_data(settings, open_files)
        if settings["resume"]:
            check_same_data(read_config(settings["out"]), data)
        description = describe_run_data(settings, data)
        print(description, flush=True)
        precision = usable_precision(settings["precision"])
        write_config(settings, data_identity(data))
        with stop_signals() as is_stopping:
            train(settings, data, precision, is_stopping, began)
            finish(settings, data, description)


def usable_precision(precision):
    """What resolve_precision gives."""
    # TensorFlow takes seconds to import: not before everything that the user may have got wrong is checked.
    from model.session_config import resolve_precision

    return resolve_precision(precision)


def train(settings, data, precision, is_stopping, began):
    """Builds both graphs and trains; leaves history.csv and checkpoints/, the best model among them, in the folder.

    precision: "float32" or "bfloat16". began: what time.perf_counter() said when the command began.
    """
    from model.export.graph import build_inference_graph, load_weights
    from model.predictor import Predictor
    from model.session_config import session_config
    from model.training.checkpoint import keep_best_models, newest_best_model, restore_checkpoint
    from model.training.graph import build_training_graph, exported_weights
    from pipeline.augmentation.augment import Augmentation
    from pipeline.dataset import make_dataset, user_errors_of_dataset
    from pipeline.tensorflow_v1 import tf

    building_began = time.perf_counter()
    checkpoints = os.path.join(settings["out"], "checkpoints")
    os.makedirs(os.path.join(checkpoints, "last"), exist_ok=True)
    checkpoint = checkpoint_to_resume(settings["out"])
    first_step = checkpoint.step if checkpoint else 0
    batches = partial(endless_batches, data.training, settings["batch_size"], settings["seed"], first_step)
    kinds = tuple(settings["augment"])
    augmentation = Augmentation(kinds, settings["seed"], first_step) if kinds else None
    dataset = partial(make_dataset, data.path, batches, augmentation, data.store.shape)
    network, num_units, members = settings["network"], settings["num_units"], settings["members"]
    training = build_training_graph(dataset, network, num_units, data.mean_pose, settings["seed"], members)
    inference = build_inference_graph(network, num_units, "mirror" in kinds, members, data.store.shape)
    with (
        tf.Session(graph=training.graph, config=session_config(precision)) as session,
        tf.Session(graph=inference.graph) as inference_session,
        opened_events(settings, training.graph, first_step) as events,
        user_errors_of_dataset(),
    ):
        session.run(training.initialize)
        start_history(os.path.join(settings["out"], "history.csv"), first_step)
        keep_best_models(checkpoints, first_step)
        state = State(0, 0.0, math.inf)
        if checkpoint:
            state = State(*restore_checkpoint(checkpoint, training, session))
        if newest_best_model(checkpoints) is None:
            state = state._replace(best_error=math.inf)
        load_weights(inference, inference_session, exported_weights(training, session))
        predictor = Predictor(inference_session, inference.input_frames, inference.joint_pos, inference.shared)
        run = Run(settings, data, training, session, inference, inference_session, predictor, events)
        score = partial(score_sequences, predictor, data.validation_store)
        duration = measured_duration(score, data.watched, data.validation, began, building_began)
        training_loop(run, state, duration, is_stopping)


def opened_events(settings, graph, first_step):
    """A context manager that yields what writes for TensorBoard, or None where that is not asked for."""
    if not settings["tensorboard"]:
        return contextlib.nullcontext()
    from report.event_files import event_files

    return event_files(os.path.join(settings["out"], "tensorboard"), graph, first_step)


def checkpoint_to_resume(out):
    """The newest whole Checkpoint in the run's folder, or None where the run has not come to its first.

    Says so where it is not the newest. Raises UserError where there was one once.
    """
    from model.training.checkpoint import newest_checkpoint

    last, history = os.path.join(out, "checkpoints", "last"), os.path.join(out, "history.csv")
    checkpoint = newest_checkpoint(last)
    # A row is written before the checkpoint of the same step.
    if checkpoint is None and os.path.exists(history) and len(read_history(history)) > 1:
        raise UserError(f"{last} holds no checkpoint to go on from; start a new run")
    if checkpoint and checkpoint.damaged:
        damaged = " and ".join(checkpoint.damaged)
        print(f"warning: {damaged} in {last}: cut short; going on from step {checkpoint.step}", file=sys.stderr)
    return checkpoint


def training_loop(run, state, duration, is_stopping):
    """Trains from `state` until the run's limit, or until it is stopped, and evaluates every so often.

    duration: a RunDuration.
    """
    from model.training.learning_rate import learning_rate, share_done

    settings = run.settings
    epoch_steps = steps_per_epoch(len(run.data.training), settings["batch_size"])
    total_steps = settings["epochs"] and settings["epochs"] * epoch_steps
    loss_and_step = [run.training.loss, run.training.train_step]
    run_step = run.session.make_callable(loss_and_step, feed_list=[run.training.learning_rate])
    done = share_done(state.seconds, state.step, settings["time_limit"], total_steps)
    with told_progress(settings, duration, state, done) as tell:
        while done < 1 and not is_stopping():
            losses, evaluate_at = [], next_evaluation(done, settings["evaluations"])
            while done < evaluate_at and not is_stopping():
                rate = learning_rate(settings["learning_rate"], done)
                step_began = time.perf_counter()
                loss, _ = run_step(rate)
                seconds = state.seconds + time.perf_counter() - step_began
                state = state._replace(step=state.step + 1, seconds=seconds)
                losses.append(float(loss))
                done = share_done(state.seconds, state.step, settings["time_limit"], total_steps)
                tell(state, done, loss)
            if losses:
                state = evaluate_and_save(run, state, sum(losses) / len(losses), rate)
        if is_stopping():
            tqdm.write("stopped; --resume goes on from here")


@contextlib.contextmanager
def told_progress(settings, duration, first, done):
    """Says once how long the whole command will take, and shows a bar where standard error is a terminal.

    duration: a RunDuration. first: the State that the command begins with. done: the share of the training that is done.
    Yields a function to call after each step with the State, the share of the training that is done, and the loss.
    """
    bar_format = "training {percentage:3.0f} %|{bar}|{postfix}"
    with tqdm(total=1.0, initial=done, bar_format=bar_format, leave=False, disable=None) as bar:
        is_said = False

        def tell(state, done, loss):
            nonlocal is_said
            training = training_seconds_left(state.seconds, state.step, done, settings["time_limit"])
            if training is None or (is_said and bar.disable):
                return
            evaluations = settings["evaluations"] * (1 - done ** (2 / 3)) * duration.evaluation
            left = training + evaluations + duration.end
            if not is_said:
                is_said, taken = True, state.seconds - first.seconds
                parts = f"{in_words(taken + training)} of training, {in_words(evaluations)} of evaluations"
                tqdm.write(f"takes about    {in_words(duration.start + taken + left)}: {parts}, the rest start and end")
            speed = state.step * settings["batch_size"] / state.seconds
            bar.set_postfix_str(f"{in_words(left)} left, loss {loss:.2f} px², {speed:.0f} sequences/s", refresh=False)
            bar.update(done - bar.n)

        yield tell


def next_evaluation(done, evaluations):
    """The share of the run at which to evaluate next: closer together at the start, where the loss falls fastest."""
    number = math.floor((done + 1e-9) ** (2 / 3) * evaluations) + 1
    return min(1.0, (number / evaluations) ** 1.5)


def evaluate_and_save(run, state, train_loss, rate):
    """Scores the averaged weights on the watched sequences, keeps them if they are the best, saves the run's state.

    Returns the new State.

    train_loss: the mean since the last evaluation, px². rate: the learning rate of the last step.
    """
    from model.export.graph import load_weights
    from model.export.saved_model import save_model
    from model.training.checkpoint import best_model, keep_best_models, save_checkpoint
    from model.training.graph import exported_weights

    settings, data = run.settings, run.data
    weights = exported_weights(run.training, run.session)
    check_finite(train_loss, weights, state.step)
    load_weights(run.inference, run.inference_session, weights)
    errors = score_sequences(run.predictor, data.validation_store, data.watched)
    checkpoints = os.path.join(settings["out"], "checkpoints")
    if errors.mean_pixel_error < state.best_error:
        state = state._replace(best_error=errors.mean_pixel_error)
        save_model(best_model(checkpoints, state.step), run.inference, run.inference_session)
    row = {
        "step": state.step,
        "epoch": state.step // steps_per_epoch(len(data.training), settings["batch_size"]),
        "seconds": round(state.seconds, 3),
        "train_loss": train_loss,
        "validation_loss": errors.mean_squared_error,
        "validation_pixel_error": errors.mean_pixel_error,
    }
    append_to_history(os.path.join(settings["out"], "history.csv"), row)
    # Last, for it counts: what belongs to later steps than a checkpoint's is dropped where a run goes on from it.
    save_checkpoint(os.path.join(checkpoints, "last"), run.training, run.session, state.seconds, state.best_error)
    keep_best_models(checkpoints, state.step)
    if run.events is not None:
        from report.event_files import write_events

        examples = predict_examples(run.predictor, data.validation_store, data.validation)
        write_events(run.events, row, rate, examples)
    tqdm.write(
        f"step {row['step']:6}  {row['seconds']:6.1f} s  training loss {train_loss:7.2f} px²  "
        f"validation loss {row['validation_loss']:7.2f} px²  pixel error {row['validation_pixel_error']:6.3f} px"
    )
    sys.stdout.flush()
    return state


def check_finite(train_loss, weights, step):
    """Raises UserError where the loss or one of the weights, a dict from name to array, is NaN or infinite."""
    if not (math.isfinite(train_loss) and all(np.isfinite(values).all() for values in weights.values())):
        raise UserError(f"the loss is no number any more at step {step}; start again with a lower --learning-rate")


def finish(settings, data, description):
    """Exports the best weights, scores the exported model, draws the plots, writes the report.

    description: what describe_run_data says.
    """
    from evaluation.shown_sequences import predict_shown_sequences
    from model.export.saved_model import loaded_model
    from report.html_report import Report, write_html_report
    from report.loss_curves import draw_loss_curves

    out, store = settings["out"], data.validation_store
    model, said = export_best(out, store.shape)
    hardest, ranking = Hardest(), SequenceRanking()
    with loaded_model(model) as predictor:
        errors = score_sequences(predictor, store, data.validation, hardest, ranking)
        examples = predict_examples(predictor, store, data.validation)
        sequences = predict_shown_sequences(predictor, store, ranking)
    pose_errors = score_pose(data.mean_pose, store, data.validation)
    metrics, worst = make_metrics(errors, pose_errors, hardest), worst_examples(hardest, store)
    paths = write_scores(out, metrics, examples, worst)
    history = read_history(os.path.join(out, "history.csv"))
    curves = draw_loss_curves(os.path.join(out, "plots", "loss.png"), history, metrics["mean_pose_pixel_error"])
    report = Report(
        title=f"Run: {os.path.basename(os.path.abspath(out))}",
        metrics=metrics,
        mean_pose=pose_errors.summary(),
        data=description,
        hardest=hardest.summary_line(),
        sequences=sequences,
        worst=worst,
        history=history,
        settings=read_config(out),
    )
    report_path = write_html_report(os.path.join(out, "report.html"), report)

    print(f"\nerrors on the {metrics['sequences']} validation sequences")
    print_scores(errors, pose_errors, hardest)
    print(f"\nmodel    {model}, {said}")
    print("plots    " + "\n         ".join([curves, *paths[1:]]))
    print(f"numbers  {paths[0]}")
    print(f"report   {report_path}")


def export_best(out, shape):
    """Copies the best weights' four files to model/ and checks the contract.

    shape: SequenceShape of the data; with another than the course's, the model breaks the contract in that, and is
    checked in all else. Returns the path of model/ and what the check says. Raises UserError where there are no weights,
    or where they break the contract.
    """
    from model.export.contract import contract_breaches
    from model.export.saved_model import copy_model
    from model.training.checkpoint import newest_best_model

    best, model = newest_best_model(os.path.join(out, "checkpoints")), os.path.join(out, "model")
    if best is None:
        raise UserError("no evaluation has left a model; go on with --resume, or start a new run")
    copy_model(best, model)
    if breaches := contract_breaches(model, shape):
        raise UserError(f"the exported model breaks the contract: {'; '.join(breaches)}")
    return model, verdict(shape)


if __name__ == "__main__":
    main()
