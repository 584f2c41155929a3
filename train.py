"""Trains a pose estimator on a converted data set and exports it as the course requires."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

from tqdm import tqdm

from model.training.checkpoint import Checkpoint, restore_checkpoint
from model.training.graph import build_training_graph
from model.training.steps import Steps
from model.training.time_spent import TimeSpent
from pipeline.augmentation.augment import Augmentation
from pipeline.batch_order import BatchOrder, steps_per_epoch
from pipeline.dataset import make_dataset
from run.arguments import RunRequest, parse_arguments
from run.cluster.membership import Workers, join
from run.config_file import read_config, write_config
from run.data import RunData, check_same_data, data_identity, describe_run_data, open_run_data
from run.evaluation import checkpoint_to_resume, opened_evaluator
from run.finish import finish
from run.folder import RunPaths, run_folder
from run.process import stop_signals, training_process
from run.progress import shown_progress
from run.schedule import fraction_done, learning_rate, next_evaluation
from run.session import prepare_tensorflow, training_session


@dataclass(frozen=True)
class Run:
    """What is trained, on which data, by which workers."""

    request: RunRequest  # the command line: settings and output
    paths: RunPaths
    data: RunData
    precision: str  # "float32" or "bfloat16"
    workers: Workers  # this process alone, or several that share each step; one of them is the chief
    checkpoint: Checkpoint | None  # to resume from
    began: float  # time.perf_counter() when the command started


def main() -> None:
    """Prepares settings, data and workers, then trains, exports the best model and writes the report."""
    began = time.perf_counter()
    # cluster: this process alone, or the workers on several machines that TF_CONFIG lists.
    with training_process() as cluster, contextlib.ExitStack() as open_files:
        request = parse_arguments(__doc__, cluster.is_chief)
        settings = request.settings
        paths = open_files.enter_context(run_folder(request.out, request.resume, cluster.is_chief))
        data = open_run_data(settings, paths, open_files)
        identity = data_identity(data)
        if request.resume and cluster.is_chief:
            check_same_data(read_config(paths.config), identity)
        print(describe_run_data(settings, data), flush=True)

        # The first use of TensorFlow, which takes seconds to import. Most errors of the user have been reported by now.
        # Checkpoints are checked in a forked process, before TensorFlow starts threads.
        checkpoint = checkpoint_to_resume(paths)
        precision = prepare_tensorflow(settings, cluster)
        # Waits for the other workers, and checks that all have the same data, settings and precision.
        workers = join(cluster, settings, identity, precision, checkpoint.step if checkpoint else 0)
        write_config(paths.config, settings, identity)  # to a temporary folder, if this is not the chief
        with stop_signals() as is_stop_requested:
            spent = train(Run(request, paths, data, precision, workers, checkpoint, began), is_stop_requested)
            if workers.is_chief:
                finish(paths, data, settings, precision, spent)


def train(run: Run, is_stop_requested: Callable[[], bool]) -> TimeSpent:
    """Builds the graph, restores or initializes the weights, and trains; leaves history.csv and checkpoints/.

    Returns where the time went.
    """
    settings, data, workers = run.request.settings, run.data, run.workers

    # The batches, from the first step that is still to be taken; all workers agree on it.
    order = BatchOrder(data.training, settings.batch_size, settings.seed, workers.first_step, settings.window_megabytes)
    augmentation = None
    if settings.augment:
        augmentation = Augmentation(tuple(settings.augment), settings.seed, workers.first_step)
    # Cores share each step, and so do the workers of a cluster: every batch is divided into shards.
    sharing = workers.sharing(settings)
    batches = partial(make_dataset, data.store, order, augmentation, sharing.part)

    # The graph: normalization, network, loss, Adam.
    graph = build_training_graph(batches, settings.network, settings.num_units, data.mean_pose, settings.seed, sharing)

    with training_session(graph, workers, run.precision) as session, contextlib.ExitStack() as chief_only:
        # Restore or initialize.
        session.run(graph.initialize)
        if run.checkpoint:
            restore_checkpoint(run.checkpoint, graph, session)
        # All workers get the chief's weights here. The chief alone evaluates, saves and shows progress.
        steps = Steps(graph, session, workers.is_chief, is_stop_requested)
        total_steps = None
        if settings.epochs is not None:
            total_steps = settings.epochs * steps_per_epoch(len(data.training), settings.batch_size)
        fraction = partial(fraction_done, time_limit=settings.time_limit, total_steps=total_steps)
        done = fraction(steps.seconds, steps.number)
        evaluator = None
        progress = None
        if workers.is_chief:
            evaluator = chief_only.enter_context(
                opened_evaluator(settings, run.paths, data, graph, session, run.request.tensorboard)
            )
            duration = evaluator.measured_duration()
            progress = chief_only.enter_context(shown_progress(settings, total_steps, duration, steps, run.began, done))

        # Train until the next evaluation, evaluate, save.
        while done < 1 and not steps.is_stopping():
            losses = []
            evaluate_at = next_evaluation(done, settings.evaluations)
            while done < evaluate_at and not steps.is_stopping():
                rate = learning_rate(settings.learning_rate, done)
                losses.append(steps.take(rate))
                done = fraction(steps.seconds, steps.number)
                if progress:
                    progress.show(steps, done, losses[-1])
            if evaluator and progress and losses:
                evaluator.evaluate_and_save(steps, sum(losses) / len(losses), rate)
                progress.evaluated(steps, done)
        workers.leave()
        if steps.is_stopping():
            tqdm.write("stopped; continue with --resume")
        if workers.is_chief and (advice := steps.spent.advice()):
            tqdm.write(advice)
        return steps.spent


if __name__ == "__main__":
    main()
