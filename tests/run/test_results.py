import contextlib
import dataclasses

import numpy as np
import pytest

from evaluation.pixel_errors import PixelErrors
from evaluation.scores import Scores
from pipeline.sequence_shape import COURSE_SHAPE
from run.data import open_run_data
from run.folder import RunPaths
from run.model_card import model_card
from run.results import about_data, about_training, final_error, what_to_hand_in, worse_than_mean_pose
from run.settings import complete_settings

AUGMENTED = complete_settings({"data": "people.h5"})
UNCHANGED = dataclasses.replace(AUGMENTED, augment=[])


def scores_of(model_error, mean_pose_error, sequences=100):
    """Scores whose joints are all off by these distances in pixels."""
    summaries = []
    for error in (model_error, mean_pose_error):
        labels = np.zeros((sequences, 10, 7, 2))
        errors = PixelErrors()
        errors.add(labels + error * np.array([0.6, -0.8]), labels)
        summaries.append(errors.summary())
    return Scores(summaries[0], {}, summaries[1], {}, *[None] * 3, [], None)


def test_the_final_error_has_the_assignment_s_words_and_the_number_of_sequences():
    assert final_error(scores_of(0.625, 8)) == "final average pixel error: 0.62 px on 100 validation sequences"
    assert final_error(scores_of(0.625, 8, 99)).endswith(
        "on 99 validation sequences; the assignment asks for at least 100: --validation-sequences 100"
    )


@pytest.mark.parametrize("error, is_worse", [(7.99, False), (8.0, True), (8.47, True)])
def test_a_model_that_is_no_better_than_the_mean_pose_is_reported(error, is_worse):
    warning = worse_than_mean_pose(scores_of(error, 8), UNCHANGED)
    assert (warning is not None) == is_worse
    if is_worse:
        assert f"({error:.2f} px)" in warning and "(8.00 px)" in warning and "train longer" in warning


def test_the_advice_names_no_augment_only_where_it_can_help():
    demo = dataclasses.replace(AUGMENTED, data=None, demo=True)
    advised = [worse_than_mean_pose(scores_of(9, 8), settings) for settings in (AUGMENTED, UNCHANGED, demo)]
    assert ["--no-augment" in text for text in advised] == [True, False, False]


def test_what_goes_to_the_drive_and_to_the_site():
    drive, site, command = what_to_hand_in(RunPaths("runs/my run"), AUGMENTED, COURSE_SHAPE)
    assert drive.startswith("to the drive: the four files in runs/my run") and site.startswith("to the course's site: ")
    assert command == 'python make_submission.py "runs/my run"'


def test_models_of_drawn_people_or_of_another_shape_are_not_handed_in():
    demo = dataclasses.replace(AUGMENTED, data=None, demo=True)
    assert what_to_hand_in(RunPaths("x"), demo, COURSE_SHAPE)[0].startswith("nothing: this model was trained on drawn")
    [line] = what_to_hand_in(RunPaths("x"), AUGMENTED, COURSE_SHAPE._replace(length=5))
    assert line == "nothing: the assignment requires 10 frames of 64×64 px"


@pytest.fixture
def data_of(people, tmp_path):
    """Opens the run data of drawn people with the given settings; returns the settings and the data."""
    with contextlib.ExitStack() as open_files:

        def opened(**given):
            settings = complete_settings({"data": str(people.path), "seed": 3, **given})
            return settings, open_run_data(settings, RunPaths(str(tmp_path)), open_files)

        yield opened


def test_sentences_on_the_data(data_of):
    assert about_data(*data_of(validation_sequences=20)) == (
        "Trained on 110 sequences from 5 videos. "
        "Validated on 22 sequences from 1 video (split: video), of which 0 share frames with training. "
        "The validation error measures accuracy on people who are not in the training data. "
        "It is slightly optimistic, because some of these sequences select the best checkpoint."
    )
    assert about_data(*data_of(validation_split="random", validation_sequences=15)) == (
        "Trained on 117 sequences from 6 videos. "
        "Validated on 15 sequences from 6 videos (split: random), of which 15 share frames with training. "
        "The validation error measures memorization, not accuracy on new people: validation frames are trained on."
    )


def test_sentences_on_the_training(data_of):
    rows = [
        {"step": step, "epoch": step // 4, "seconds": step / 2, "validation_pixel_error": 9 - step} for step in (4, 8)
    ]
    rows.append({**rows[-1], "step": 12, "epoch": 3, "seconds": 6.4, "validation_pixel_error": 2.0})
    _, data = data_of()
    assert about_training(rows, data) == (
        "Trained for 12 iterations (3 whole epochs) in 6 s. The model is from iteration 8, the best of 3 evaluations."
    )
    _, data = data_of(validation_split="none")
    assert about_training(rows, data).endswith(
        "The model is from the last evaluation, because no data was held out to select the best."
    )


def test_the_model_card_counts_the_people_of_both_sides(data_of, trained_run):
    paths = RunPaths(str(trained_run.folder))
    for split, people in (
        ("video", "5 in the training data and 1 in the validation data, 0 in both"),
        ("random", "6 in the training data and 6 in the validation data, 6 in both"),
    ):
        settings, data = data_of(validation_split=split, validation_sequences=20)
        card = dict(model_card(paths, data, settings, "float32", "The verdict."))
        assert card["people"] == f"{people}, if each video shows another person"
        assert card["training data"].startswith(
            f"{len(data.training)} sequences of people.h5 (converted from people.pkl)"
        )
        assert card["validation data"] == f"{len(data.validation)} sequences of the same data, split: {split}"
        assert (card["seed"], card["precision"], card["requirements"]) == ("3", "float32", "The verdict.")


def test_the_model_card_names_a_separate_file_for_validation(data_of, people, trained_run):
    settings, data = data_of(validation_data=str(people.path))
    card = dict(model_card(RunPaths(str(trained_run.folder)), data, settings, "bfloat16", "The verdict."))
    assert card["validation data"] == "132 sequences of people.h5 (converted from people.pkl)"
    assert card["people"] == "6 in the training data and 6 in the validation data, if each video shows another person"
