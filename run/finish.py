"""The end of a run: exports the best model, scores it, and writes metrics, plots and report."""

import os
from collections.abc import Sequence

from evaluation.scores import score
from model.export.contract import opened_model
from model.export.saved_model import copy_model
from model.training.checkpoint import newest_best_model
from pipeline.tensorflow_v1 import return_freed_memory
from report.error_table import format_scores
from report.html_report import Report, TrainingReport, write_html_report
from report.plots import HistoryRow, loss_figure, write_png
from report.provenance import provenance
from report.score_files import write_score_files
from run.config_file import read_config
from run.data import RunData
from run.folder import RunPaths
from run.history import read_history
from support.text import counted
from support.user_error import UserError


def finish(paths: RunPaths, data: RunData, description: str) -> None:
    """Writes model/, metrics.json, plots/ and report.html to the run's folder; prints the errors and what it wrote.

    description: of the data, from describe_run_data. Raises UserError if the run has no model, or if the model violates
    the assignment's requirements in anything but the shape of sequences.
    """
    return_freed_memory()
    _export_best(paths)
    with opened_model(paths.model, data.validation_store.shape) as model:
        scores = score(model.predictor, data.validation_store, data.validation, data.mean_pose)
        verdict = model.verdict
    written = write_score_files(paths.out, scores)
    history = read_history(paths.history)
    curves = write_png(paths.loss_plot, loss_figure(history, scores.mean_pose["mean_pixel_error"]))
    training = TrainingReport(_summary(history, data), history, read_config(paths.config)) if history else None
    title = f"Run: {os.path.basename(os.path.abspath(paths.out))}"
    about = provenance(paths.model, data.validation_store, verdict)
    write_html_report(paths.report, Report(title, scores, description, training, about))

    metrics, *plots = written
    print(f"\nerrors on the {scores.summary['sequences']} validation sequences")
    print(format_scores(scores))
    print(f"\nmodel    {paths.model}, {verdict}")
    print("plots    " + "\n         ".join([curves, *plots]))
    print(f"numbers  {metrics}")
    print(f"report   {paths.report}")


def _export_best(paths: RunPaths) -> None:
    """Copies the four files of the best model to model/."""
    best = newest_best_model(paths.checkpoints)
    if best is None:
        raise UserError("the run ended before its first evaluation; continue with --resume, or start a new run")
    copy_model(best, paths.model)


def _summary(history: Sequence[HistoryRow], data: RunData) -> str:
    last, best = history[-1], min(history, key=lambda row: row["validation_pixel_error"])
    chosen = f"from step {best['step']}, the best of {len(history)} evaluations"
    if data.validates_on_training:
        chosen = "from the last evaluation, because no data was held out to select the best"
    return (
        f"Trained for {counted(int(last['step']), 'step')} ({counted(int(last['epoch']), 'whole epoch')}) "
        f"in {last['seconds']:.0f} s. "
        f"The model is {chosen}."
    )
