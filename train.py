"""Trains a pose estimator on a converted data set and exports it in the form that the course grades."""

import contextlib
import math
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

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
from pipeline.batch_order import endless_batches, steps_per_epoch
from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.user_error import UserError, reported_user_errors
from report.hardest import Hardest
from report.history import append_to_history, read_history, start_history
from run_data import check_same_data, data_identity, describe_run_data, open_run_data
from run_settings import parse_settings, read_config, write_config
from stop_signals import stop_signals

EVALUATIONS = 30


class State(NamedTuple):
    """Where a run is: steps taken, seconds of training, and the best validation error so far, in pixels."""

    step: int
    seconds: float
    best_error: float


class Run(NamedTuple):
    """What a run consists of: settings, data, the two graphs, each with its session, and what predicts in the second.

    settings: dict. data: RunData. training: TrainingGraph. inference: InferenceGraph. predictor: Predictor.
    """

    settings: dict
    data: NamedTuple
    training: NamedTuple
    session: object
    inference: NamedTuple
    inference_session: object
    predictor: object


def main():
    with reported_user_errors(), contextlib.ExitStack() as open_files:
        settings = parse_settings(__doc__)
        check_folder(settings)
        data = open_run_data_or_leave_nothing(settings, open_files)
        if settings["resume"]:
            check_same_data(read_config(settings["out"]), data)
        os.makedirs(settings["out"], exist_ok=True)
        write_config(settings, data_identity(data))
        print(describe_run_data(settings, data), flush=True)
        train(settings, data)
        finish(settings, data)


def check_folder(settings):
    """Raises UserError where the run's folder holds something else; creates nothing."""
    out = settings["out"]
    if not settings["resume"] and os.path.lexists(out) and not (os.path.isdir(out) and not os.listdir(out)):
        raise UserError(f"{out} exists; give another --out, or --resume to go on with the run in it")


def open_run_data_or_leave_nothing(settings, open_files):
    """open_run_data, which draws the demo's data in the run's folder; where it fails, a new folder is removed again."""
    is_new = not os.path.exists(settings["out"])
    try:
        return open_run_data(settings, open_files)
    except BaseException:
        if is_new:
            open_files.close()
            shutil.rmtree(settings["out"], ignore_errors=True)
        raise


def train(settings, data):
    """Builds both graphs and trains; leaves checkpoints/last, checkpoints/best and history.csv in the run's folder."""
    # TensorFlow takes seconds to import: not before everything that the user may have got wrong is checked.
    from model.checkpoint import checkpointed_step, restore_checkpoint
    from model.inference_graph import build_inference_graph
    from model.predictor import Predictor
    from model.session_config import resolve_precision, session_config
    from model.training_graph import build_training_graph
    from pipeline.augmentation import Augmentation
    from pipeline.dataset import make_dataset, user_errors_of_dataset
    from pipeline.tensorflow_v1 import tf

    last = os.path.join(settings["out"], "checkpoints", "last")
    os.makedirs(last, exist_ok=True)
    first_step = checkpointed_step(last) if settings["resume"] else 0
    batches = partial(endless_batches, data.training, settings["batch_size"], settings["seed"], first_step)
    kinds = tuple(settings["augment"])
    augmentation = Augmentation(kinds, settings["seed"], first_step) if kinds else None
    dataset = partial(make_dataset, data.path, batches, augmentation, data.store.shape)
    network, num_units = settings["network"], settings["num_units"]
    training = build_training_graph(dataset, network, num_units, data.mean_pose, settings["seed"])
    inference = build_inference_graph(network, num_units, "mirror" in kinds, data.store.shape)
    config = session_config(resolve_precision(settings["precision"]))
    with (
        tf.Session(graph=training.graph, config=config) as session,
        tf.Session(graph=inference.graph) as inference_session,
        user_errors_of_dataset(),
    ):
        session.run(training.initialize)
        start_history(os.path.join(settings["out"], "history.csv"), first_step)
        state = State(0, 0.0, math.inf)
        if settings["resume"]:
            state = State(*restore_checkpoint(last, training, session))
        predictor = Predictor(inference_session, inference.input_frames, inference.joint_pos, inference.frame_features)
        training_loop(Run(settings, data, training, session, inference, inference_session, predictor), state)


def training_loop(run, state):
    """Trains from `state` until the run's limit, or until Ctrl-C, and evaluates every so often."""
    from model.learning_rate import learning_rate, share_done

    settings = run.settings
    epoch_steps = steps_per_epoch(len(run.data.training), settings["batch_size"])
    total_steps = settings["epochs"] and settings["epochs"] * epoch_steps
    loss_and_step = [run.training.loss, run.training.train_step]
    run_step = run.session.make_callable(loss_and_step, feed_list=[run.training.learning_rate])
    done = share_done(state.seconds, state.step, settings["time_limit"], total_steps)
    with stop_signals() as is_stopping, progress_bar(done) as bar:
        while done < 1 and not is_stopping():
            losses, evaluate_at = [], next_evaluation(done)
            while done < evaluate_at and not is_stopping():
                rate = learning_rate(settings["learning_rate"], done)
                began = time.perf_counter()
                loss, _ = run_step(rate)
                state = state._replace(step=state.step + 1, seconds=state.seconds + time.perf_counter() - began)
                losses.append(float(loss))
                done = share_done(state.seconds, state.step, settings["time_limit"], total_steps)
                show_progress(bar, done, loss, state, settings["batch_size"])
            if losses:
                state = evaluate_and_save(run, state, sum(losses) / len(losses))
        if is_stopping():
            tqdm.write("stopped; --resume goes on from here")


def next_evaluation(done):
    """The share of the run at which to evaluate next: closer together at the start, where the loss falls fastest."""
    number = math.floor((done + 1e-9) ** (2 / 3) * EVALUATIONS) + 1
    return min(1.0, (number / EVALUATIONS) ** 1.5)


def evaluate_and_save(run, state, train_loss):
    """Scores the averaged weights, keeps them if they are the best, saves the run's state; returns the new State."""
    from model.checkpoint import save_checkpoint
    from model.inference_graph import load_weights
    from model.saved_model import save_model
    from model.training_graph import exported_weights

    settings, data = run.settings, run.data
    weights = exported_weights(run.training, run.session)
    check_finite(train_loss, weights, state.step)
    load_weights(run.inference, run.inference_session, weights)
    errors = score_sequences(run.predictor, data.validation_store, data.validation)
    checkpoints = os.path.join(settings["out"], "checkpoints")
    if errors.mean_pixel_error < state.best_error:
        state = state._replace(best_error=errors.mean_pixel_error)
        save_model(os.path.join(checkpoints, "best"), run.inference, run.inference_session)
    save_checkpoint(os.path.join(checkpoints, "last"), run.training, run.session, state.seconds, state.best_error)
    row = {
        "step": state.step,
        "epoch": state.step // steps_per_epoch(len(data.training), settings["batch_size"]),
        "seconds": round(state.seconds, 3),
        "train_loss": train_loss,
        "validation_loss": errors.mean_squared_error,
        "validation_pixel_error": errors.mean_pixel_error,
    }
    append_to_history(os.path.join(settings["out"], "history.csv"), row)
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


def progress_bar(done):
    """A bar over the whole run, 0 to 1, where standard error is a terminal."""
    shape = "training {percentage:3.0f} %|{bar}| {remaining} left{postfix}"
    return tqdm(total=1.0, initial=done, bar_format=shape, leave=False, disable=None)


def show_progress(bar, done, loss, state, batch_size):
    if not bar.disable:
        speed = state.step * batch_size / state.seconds
        bar.set_postfix_str(f"loss {loss:.2f} px², {speed:.0f} sequences/s", refresh=False)
        bar.update(done - bar.n)


def finish(settings, data):
    """Exports the best weights, checks the contract in a fresh process, scores the exported model, draws the plots."""
    from model.saved_model import copy_model, loaded_model
    from report.loss_curves import draw_loss_curves

    out = settings["out"]
    best, model = os.path.join(out, "checkpoints", "best"), os.path.join(out, "model")
    if not os.path.isdir(best):
        raise UserError("stopped before the first evaluation, so there is no model; start again in another --out")
    copy_model(best, model)
    said = check_exported(model, data.store.shape)
    hardest = Hardest()
    with loaded_model(model) as predictor:
        errors = score_sequences(predictor, data.validation_store, data.validation, hardest)
        examples = predict_examples(predictor, data.validation_store, data.validation)
    pose_errors = score_pose(data.mean_pose, data.validation_store, data.validation)
    metrics = make_metrics(errors, pose_errors, hardest)
    paths = write_scores(out, metrics, examples, worst_examples(hardest, data.validation_store))
    history = read_history(os.path.join(out, "history.csv"))
    curves = draw_loss_curves(os.path.join(out, "plots", "loss.png"), history, metrics["mean_pose_pixel_error"])

    print(f"\nerrors on the {metrics['sequences']} validation sequences")
    print_scores(errors, pose_errors, hardest)
    print(f"\nmodel    {model}, {said}")
    print("plots    " + "\n         ".join([curves, *paths[1:]]))
    print(f"numbers  {paths[0]}")


def check_exported(model, shape):
    """Checks the contract in a fresh process; returns the line to print. Raises UserError where the model breaks it.

    One that takes sequences of another SequenceShape than the course's breaks it in that, and is checked in all else.
    """
    if shape != COURSE_SHAPE:
        from model.contract import contract_breaches

        breaches = "; ".join(contract_breaches(model, shape))
    else:
        check = subprocess.run([sys.executable, evaluate_command(), model], capture_output=True, text=True)
        breaches = check.stderr if check.returncode else ""
    if breaches:
        raise UserError(f"the exported model breaks the contract: {breaches}")
    return verdict(shape)


def evaluate_command():
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "evaluate.py")


if __name__ == "__main__":
    main()
