"""Students get the error that the course's own script gives, and get one where that script fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.student_models.catalogue import ARCHIVES, CATALOGUE, HOSTILE, MEETS, NOT_SCORED, SCORED
from bench.submissions import write_submissions
from evaluation.scores import score
from model.sandboxed.sandboxed_model import sandboxed_model
from pipeline.mean_pose import mean_pose
from pipeline.store.reader import SequenceStore
from support.user_error import MachineError, UserError

SCRIPT = Path(__file__).with_name("course_script.py")
SEQUENCES = np.arange(0, 132, 6)
LARGEST_DIFFERENCE = 0.01  # pixels
# Both score these kinds, and the errors may differ.
MAY_DIFFER = {
    "dropout-on": "its answers are random",
    "batch-norm-training": "its answers depend on the other sequences of the batch",
    "batch-mean": "its answers depend on the other sequences of the batch",
    "normalized-collected": "the script feeds frames in place of normalized frames",
}
# The script scores none of these kinds.
FAILS = {
    "no my_model.meta": ["renamer", "model-2", "my-model-ckpt"],
    "checkpoint is missing or names weights that do not exist": [
        "no-checkpoint", "linux-path", "windows-path", "markup-in-checkpoint",
    ],
    "another collection or order": ["wrong-order", "no-collection", "three-collected", "markup-in-collection"],
    "only batches of another size": ["batch-16", "batch-32", "lstm-16"],
    "another shape": ["flat", "14", "frame-by-frame", "first-sequence"],
    "a GPU is asked for": ["gpu"],
}  # fmt: skip
KINDS = [kind for kind in CATALOGUE if kind not in HOSTILE and kind not in ARCHIVES]
FAILING = [kind for kinds in FAILS.values() for kind in kinds]


def folder_of_the_script(submission):
    """Where a teaching assistant starts the script: where my_model.meta is, or at the top if that is not clear."""
    graphs = list(submission.rglob("my_model.meta"))
    depths = [len(path.parts) for path in graphs]
    return graphs[depths.index(min(depths))].parent if depths.count(min(depths, default=0)) == 1 else submission


@pytest.fixture(scope="module")
def errors(people, tmp_path_factory):
    """By kind: the error that the script gives, or its message; the one that grade.py gives; and all breaches."""
    folder = tmp_path_factory.mktemp("submissions")
    submissions = {one.kind: folder / one.name for one in write_submissions(folder, KINDS)}
    by_script = run_script(people, [folder_of_the_script(path) for path in submissions.values()], folder.parent)
    with SequenceStore(str(people.path)) as store:
        ours = [our_error(path, store) for path in submissions.values()]
    return {kind: (error, *our) for kind, error, our in zip(KINDS, by_script, ours, strict=True)}


def run_script(people, folders, out):
    np.savez(out / "data.npz", frames=people.frames[SEQUENCES], labels=people.labels[SEQUENCES])
    arguments = [out / "data.npz", out / "results.json", *folders]
    # The same kernels for convolutions; see pipeline/tensorflow_v1.py.
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_ENABLE_ONEDNN_OPTS": "1"}
    subprocess.run([sys.executable, SCRIPT, *arguments], env=environment, check=True, capture_output=True)
    return json.loads((out / "results.json").read_text())


def our_error(path, store):
    """The error, None if the model is not scored, and the breaches."""
    try:
        with sandboxed_model(str(path)) as model:
            if model.predictor is None:
                return None, model.breaches
            scores = score(model.predictor, store, SEQUENCES, mean_pose(store, SEQUENCES), shows_progress=False)
            return scores.summary["mean_pixel_error"], model.breaches
    except MachineError:
        return None, []
    except UserError as error:
        return None, list(error.messages)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_error_is_that_of_the_courses_script(kind, errors):
    by_script, ours, breaches = errors[kind]
    is_scored = CATALOGUE[kind].verdict in (MEETS, SCORED)
    assert (ours is not None) == is_scored, breaches
    assert bool(breaches) == (CATALOGUE[kind].verdict in (SCORED, NOT_SCORED)), breaches
    assert isinstance(by_script, float) == (is_scored and kind not in FAILING), by_script
    if isinstance(by_script, float) and kind not in MAY_DIFFER:
        assert abs(by_script - ours) < LARGEST_DIFFERENCE
