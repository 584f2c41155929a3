import os
import pickle

import numpy as np
import pytest

from pipeline.demo.data import draw_video, write_demo_pickle
from pipeline.demo.motion import move_person
from pipeline.demo.pictures import draw_person_in_room
from pipeline.demo.shapes import paint_capsule, paint_ellipse, paint_rectangle
from pipeline.joints import JOINT_NAMES


def test_a_video_has_the_course_s_shapes_and_types():
    frames, labels = draw_video(seed=1, frames=12)
    assert (frames.shape, frames.dtype) == ((12, 64, 64, 3), np.uint8)
    assert (labels.shape, labels.dtype) == ((12, 7, 2), np.float32)
    assert frames.flags.c_contiguous


def test_a_video_depends_on_the_seed_alone():
    np.random.seed(1)
    first = draw_video(seed=(5, 1), frames=8)
    np.random.seed(2)
    again = draw_video(seed=(5, 1), frames=8)
    other = draw_video(seed=(5, 2), frames=8)
    for array, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(array, same)
        assert (array != different).any()


def test_people_face_the_camera_move_smoothly_and_stay_in_the_frame():
    labels = np.stack([draw_video(seed, frames=40)[1] for seed in range(20)])
    at = dict(zip(JOINT_NAMES, np.moveaxis(labels, 2, 0), strict=True))
    assert (at["right shoulder"][..., 0] < at["left shoulder"][..., 0]).all()
    assert (at["head"][..., 1] < at["right shoulder"][..., 1]).all()
    steps = np.linalg.norm(np.diff(labels, axis=1), axis=-1)
    assert steps.max() < 10
    assert (labels >= 0).mean() > 0.99 and (labels <= 64).mean() > 0.99


def test_a_constant_pose_is_a_bad_prediction_within_and_between_videos():
    labels = np.stack([draw_video(seed, frames=40)[1] for seed in range(20)])
    wrists = labels[:, :, 1:3]
    assert np.linalg.norm(labels - labels.mean(axis=(0, 1)), axis=-1).mean() > 5
    assert np.linalg.norm(wrists - wrists.mean(axis=1, keepdims=True), axis=-1).mean() > 3


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_wrist_s_label_is_where_the_picture_shows_it(side):
    size, joints = move_person(np.random.default_rng(3), frames=5)
    elbow = joints[:, JOINT_NAMES.index(f"{side} elbow")]
    wrist = JOINT_NAMES.index(f"{side} wrist")
    moved = joints.copy()
    moved[:, wrist] = 2 * elbow - joints[:, wrist]

    before = draw_person_in_room(np.random.default_rng(4), size, joints).astype(int)
    after = draw_person_in_room(np.random.default_rng(4), size, moved).astype(int)
    rows_of_centres, columns_of_centres = np.mgrid[0:64, 0:64] + 0.5
    for frame in range(5):
        changed = np.abs(before[frame] - after[frame]).max(axis=-1) > 12
        direction = joints[frame, wrist] - elbow[frame]
        direction /= np.hypot(*direction)
        x, y = columns_of_centres - elbow[frame, 0], rows_of_centres - elbow[frame, 1]
        across = x * direction[1] - y * direction[0]
        along = x * direction[0] + y * direction[1]
        assert np.abs(across[changed]).max() < 0.3 * size, "something else than the forearm has changed"
        for towards, position in ((1, joints[frame, wrist]), (-1, moved[frame, wrist])):
            reach = np.hypot(*(position - elbow[frame]))
            furthest = (towards * along[changed]).max()
            assert reach < furthest < reach + 0.5 * size, "the hand does not end just beyond the wrist"


@pytest.mark.parametrize("centre", [(10.0, 20.0), (10.5, 20.5), (31.3, 7.8)])
def test_shapes_are_centred_to_a_fraction_of_a_pixel(centre):
    position, up = np.array([centre]), np.array([[0.6, -0.8]])
    white = np.array([255, 255, 255])
    for paint in (
        lambda canvas: paint_capsule(canvas, position, position, (3, 3), white),
        lambda canvas: paint_capsule(canvas, position - 2, position + 2, (1.5, 1.5), white),
        lambda canvas: paint_ellipse(canvas, position, (2, 4), up, white),
        lambda canvas: paint_rectangle(canvas, *(position[0] - 3.2), *(position[0] + 3.2), white),
    ):
        canvas = np.zeros((3, 1, 64, 64), np.float32)
        paint(canvas)
        weights = canvas[0, 0].astype(np.float64)
        rows, columns = np.indices(weights.shape) + 0.5
        found = (columns * weights).sum() / weights.sum(), (rows * weights).sum() / weights.sum()
        assert found == pytest.approx(centre, abs=0.05)


def test_an_ellipse_is_longest_along_its_upward_vector():
    canvas = np.zeros((3, 1, 64, 64), np.float32)
    paint_ellipse(canvas, np.array([[32.0, 32.0]]), (3, 9), np.array([[1.0, 0.0]]), np.array([255, 255, 255]))
    rows, columns = np.nonzero(canvas[0, 0] > 60)
    assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == (18, 6)


def test_shapes_beyond_the_frame_are_cut_off():
    canvas = np.zeros((3, 2, 64, 64), np.float32)
    outside = np.array([[-30.0, 10.0], [90.0, 10.0]])
    paint_capsule(canvas, outside, outside, (3, 3), np.array([255, 255, 255]))
    assert not canvas.any()


def test_the_pickle_contains_the_sequences_of_the_videos(tmp_path):
    path = tmp_path / "demo.pkl"
    count = write_demo_pickle(path, videos=2, frames_per_video=25, seed=7)
    with open(path, "rb") as file:
        frames, labels = pickle.load(file)
    assert (frames.shape, frames.dtype) == ((count, 10, 64, 64, 3), np.uint8)
    assert (labels.shape, labels.dtype) == ((count, 10, 7, 2), np.float32)
    assert count == 2 * (15 + 7)
    second_frames, second_labels = draw_video((7, 1), frames=25)
    np.testing.assert_array_equal(frames[15 + 3], second_frames[3:13])
    np.testing.assert_array_equal(labels[-1], second_labels[6:25:2])


def test_the_shortest_usable_video(tmp_path):
    assert write_demo_pickle(tmp_path / "demo.pkl", videos=1, frames_per_video=11, seed=1) == 1


def test_too_short_videos_are_refused(tmp_path):
    for videos, frames_per_video in ((0, 40), (1, 10)):
        with pytest.raises(ValueError, match="give no sequence"):
            write_demo_pickle(tmp_path / "demo.pkl", videos, frames_per_video, seed=1)
    assert os.listdir(tmp_path) == []


def test_a_failure_while_writing_leaves_nothing(tmp_path, monkeypatch):
    def fails_midway(_, file, **__):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(pickle, "dump", fails_midway)
    with pytest.raises(OSError, match="no space"):
        write_demo_pickle(tmp_path / "demo.pkl", videos=1, frames_per_video=25, seed=1)
    assert os.listdir(tmp_path) == []
