import csv
import dataclasses
import os
import signal
import sys
import weakref

import numpy as np
import pytest
from PIL import Image

from pipeline.demo.data import draw_video
from support.signals import ended_by_signals
from tests.video.files.videos import moving_square, write_video
from video.crop import Crop
from video.files.media import Frame
from video.files.open_media import open_media
from video.limbs import draw_crop, draw_limbs
from video.prediction import PredictionSummary, predict, predicted_frames
from video.tracking.person import Person, crop_around

PERSON = Person(300, 200, 80)


@pytest.fixture(scope="module")
def model(trained_run):
    return str(trained_run.folder / "model")


def detector_of(*people):
    """A Detector that always finds these people."""
    return lambda picture, around=None, is_confirmed=True: list(people)


def picture_folder(path, pictures):
    path.mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(path / f"{number}.png")
    return open_media(str(path))


def rows_of(path):
    """The rows of a CSV file without its header."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


@pytest.fixture
def source(tmp_path):
    """12 pictures of 360×320 pixels."""
    frames, _ = draw_video(51, 12)
    return picture_folder(tmp_path / "in", [np.pad(frame, [(100, 156), (100, 196), (0, 0)]) for frame in frames])


def predict_in(source, model, choice, tmp_path, name, **options):
    """Writes to the folder and the table of this name; returns the summary."""
    out, table = str(tmp_path / name), str(tmp_path / f"{name}.csv")
    return predict(model, source, choice, out, table, say=lambda line: None, **options)


def test_a_tracked_person_is_predicted_in_the_crop_around_them(source, model, tmp_path):
    crop = crop_around(PERSON, 320, 360)
    tracked = predict_in(source, model, "auto", tmp_path, "tracked", detector=detector_of(PERSON), show_crop=True)
    assert (tracked.frame_count, tracked.found_count) == (12, 12)
    drawn = np.asarray(Image.open(tmp_path / "tracked" / "3.png"))
    picture = next(source.frames()).picture
    is_edge = (draw_crop(picture, crop) != picture).any(axis=-1)
    assert is_edge.any() and (drawn != picture)[is_edge].any()


def test_a_frame_without_a_person_has_no_skeleton(source, model, tmp_path):
    summary = predict_in(source, model, "auto", tmp_path, "out", detector=detector_of())
    assert (summary.found_count, summary.outside_counts.tolist()) == (0, [0] * 7)
    rows = rows_of(tmp_path / "out.csv")
    assert len(rows) == 12 and all(row[2:16] == [""] * 14 for row in rows)
    for frame in source.frames():
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / frame.name)), frame.picture)


def test_arms_are_outside_a_picture_that_ends_at_the_shoulders(source, model, tmp_path):
    summary = predict_in(source, model, "auto", tmp_path, "out", detector=detector_of(Person(96, 280, 90)))
    assert summary.outside_counts.tolist() == [0, 12, 12, 12, 12, 0, 0]
    for row in rows_of(tmp_path / "out.csv"):
        assert row[2] == "96.00" and row[4:12] == [""] * 8
        assert row[-1] == "right wrist;left wrist;right elbow;left elbow"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process at once")
def test_sigterm_leaves_no_files(model, tmp_path):
    class EndingVideo:
        """A video during which SIGTERM arrives."""

        def __init__(self, video):
            self.video, self.frame_count = video, video.frame_count

        def frames(self):
            yield from self.video.frames()
            assert len(list(tmp_path.glob(".*.partial"))) == 2
            signal.raise_signal(signal.SIGTERM)

        def __getattr__(self, name):
            return getattr(self.video, name)

    source = EndingVideo(open_media(str(write_video(tmp_path / "in.mp4", moving_square(12)))))
    with pytest.raises(SystemExit) as ended, ended_by_signals():
        predict(model, source, "none", str(tmp_path / "out.mp4"), str(tmp_path / "out.csv"))
    assert ended.value.code == 143 and os.listdir(tmp_path) == ["in.mp4"]


class ConstantModel:
    def predict_block(self, frames, rows):
        return np.zeros((*rows.shape, 7, 2), np.float32)


def test_frames_of_full_size_do_not_wait_for_their_windows():
    class CountingSource:
        """400 frames; `most` is the maximum number of them in memory at the same time."""

        def __init__(self):
            self.pictures = []
            self.most = 0

        def frames(self):
            for number in range(400):
                picture = np.full((200, 300, 3), number % 256, np.uint8)
                self.pictures.append(weakref.ref(picture))
                self.most = max(self.most, sum(reference() is not None for reference in self.pictures))
                yield Frame(picture, seconds=number / 25)

    source = CountingSource()
    numbers = [round(part.frame.seconds * 25) for part in predicted_frames(ConstantModel(), source, "none")]
    assert numbers == list(range(400)) and 2 <= source.most <= 6


def test_limbs_are_dotted_where_the_confidence_is_low():
    class NoisyModel:
        def predict_block(self, frames, rows):
            return np.random.default_rng(0).uniform(10, 54, (*rows.shape, 7, 2)).astype(np.float32)

    class Pictures:
        def frames(self):
            return (Frame(np.zeros((320, 320, 3), np.uint8), seconds=number / 25) for number in range(12))

    middle = list(predicted_frames(NoisyModel(), Pictures(), "none"))[5]
    assert (middle.confidence < 0.5).all() and middle.crop == Crop(0, 0, 320, 320)
    expected = draw_limbs(middle.frame.picture, middle.joints, np.zeros(7, bool))
    np.testing.assert_array_equal(middle.drawn(show_crop=False), expected)


def test_a_video_that_ends_over_a_second_early_seems_cut():
    summary = PredictionSummary(15, 15, np.zeros(7, int), 64, 64, last_second=1.4, duration=3.0)
    assert summary.seems_cut
    for changes in ({"last_second": 2.5}, {"duration": None}, {"last_second": None}):
        assert not dataclasses.replace(summary, **changes).seems_cut
