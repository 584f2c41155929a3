"""The end of a run: exports the best model, scores it, writes metrics, plots and report, and says what to hand in."""

import os

from evaluation.scores import score
from model.export.contract import opened_model
from model.export.saved_model import copy_model
from model.training.checkpoint import newest_best_model
from model.training.time_spent import TimeSpent
from pipeline.tensorflow_v1 import return_freed_memory
from report.error_table import format_scores
from report.html_report import Report, TrainingReport, write_html_report
from report.plots import loss_figure, write_png
from report.score_files import write_score_files
from run.data import RunData
from run.folder import RunPaths
from run.history import read_history
from run.model_card import model_card
from run.results import about_data, about_training, final_error, what_to_hand_in, worse_than_mean_pose
from run.settings import Settings
from support.user_error import UserError


def finish(paths: RunPaths, data: RunData, settings: Settings, precision: str, spent: TimeSpent) -> None:
    """Writes model/, metrics.json, plots/ and report.html to the run's folder; prints the errors and what to hand in.

    precision: "float32" or "bfloat16". spent: where the time of this command went. Raises UserError if the run has no
    model, or if the model violates the assignment's requirements in anything but the shape of sequences.
    """
    return_freed_memory()
    _export_best(paths)
    with opened_model(paths.model, data.validation_store.shape) as model:
        scores = score(model.predictor, data.validation_store, data.validation, data.mean_pose)
        verdict = model.verdict
    written = write_score_files(paths.out, scores)
    history = read_history(paths.history)
    curves = write_png(paths.loss_plot, loss_figure(history, scores.mean_pose["mean_pixel_error"]))
    warning = worse_than_mean_pose(scores, settings)
    report = Report(
        title=f"Run: {os.path.basename(os.path.abspath(paths.out))}",
        scores=scores,
        data=about_data(settings, data),
        card=model_card(paths, data, settings, precision, verdict),
        training=TrainingReport(about_training(history, data), history, vars(settings), spent) if history else None,
        warning=warning,
    )
    write_html_report(paths.report, report)

    metrics, *plots = written
    print(f"\nerrors on the {scores.summary['sequences']} validation sequences")
    print(format_scores(scores))
    print(f"\n{final_error(scores)}")
    if warning:
        print(f"warning: {warning}")
    print(f"\nmodel    {paths.model}, {verdict}")
    print("plots    " + "\n         ".join([curves, *plots]))
    print(f"numbers  {metrics}")
    print(f"report   {paths.report}")
    print("hand in  " + "\n         ".join(what_to_hand_in(paths, settings, data.store.shape)))


def _export_best(paths: RunPaths) -> None:
    """Copies the four files of the best model to model/."""
    best = newest_best_model(paths.checkpoints)
    if best is None:
        raise UserError("the run ended before its first evaluation; continue with --resume, or start a new run")
    copy_model(best, paths.model)
