import numpy as np
import pytest

from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.store.plausibility import Plausibility

# A person who faces the camera: the head, then right and left joints in turn.
POSE = np.array([[32, 10], [20, 40], [44, 40], [18, 30], [46, 30], [24, 20], [40, 20]], np.float32)
SWAPPED = [0, 2, 1, 4, 3, 6, 5]


def frames_of(number=4):
    return np.random.default_rng(0).integers(0, 256, (number, 64, 64, 3), dtype=np.uint8)


def labels_of(sequences=4):
    """Poses that sway by up to 2 px, float32 (N, 10, 7, 2)."""
    return POSE + np.random.default_rng(1).uniform(-2, 2, (sequences, 10, 7, 2)).astype(np.float32)


def numbers_of(sequences=4):
    return np.arange(sequences)[:, None] + np.arange(10)


def checked(*, frames=(), numbers=(), labels=()):
    """A Plausibility to which these blocks were added."""
    plausibility = Plausibility(COURSE_SHAPE)
    for block in frames:
        plausibility.add_frames(block)
    for block in numbers:
        plausibility.add_sequences(block)
    for block in labels:
        plausibility.add_labels(block)
    return plausibility


def test_says_nothing_about_plausible_data_and_about_none():
    assert checked(frames=[frames_of()], numbers=[numbers_of()], labels=[labels_of()]).warnings() == []
    assert checked().warnings() == []


def test_counts_frames_of_a_single_colour_over_all_blocks():
    frames = frames_of(6)
    frames[1], frames[3], frames[4] = 0, 200, 0
    message = "3 frames of a single colour, 2 of them black"
    assert checked(frames=[frames[:2], frames[2:]]).warnings() == [message]


def test_recognizes_pictures_that_were_cast_from_0_to_1():
    cast = frames_of() % 2
    assert "cast to integers" in checked(frames=[cast]).warnings()[0]


def test_recognizes_pictures_that_were_divided():
    assert checked(frames=[frames_of() // 16]).warnings() == [
        "no value of any frame is above 15 of 255, as if pictures were divided"
    ]
    divided = frames_of() // 16
    divided[2, 5, 5, 1] = 64
    assert checked(frames=[divided]).warnings() == []


def test_recognizes_that_x_and_y_are_swapped():
    [message] = checked(labels=[labels_of()[..., ::-1]]).warnings()
    assert message == "the head is not above both shoulders in 100 % of the labelled frames: are x and y swapped?"
    labels = labels_of()
    labels[:2] = labels[:2, :, :, ::-1]
    assert checked(labels=[labels]).warnings() == []


def test_counts_sequences_of_a_single_frame():
    numbers = numbers_of()
    numbers[2] = 7
    assert checked(numbers=[numbers, numbers]).warnings() == [
        "2 of 8 sequences repeat a single frame, so nothing moves"
    ]


def test_counts_labels_far_outside_the_frame():
    labels = labels_of()
    labels[0, 0, 0] = -64, 128
    assert checked(labels=[labels]).warnings() == []
    labels[0, 0, 0] = -64.01, 128.01
    labels[3, 9, 6, 0] = 1000
    assert checked(labels=[labels, labels]).warnings() == ["6 label coordinates lie more than 64 px outside the frame"]


def test_recognizes_labels_in_pixels_of_a_larger_picture():
    [message] = checked(labels=[labels_of() + 50]).warnings()
    assert message.startswith("100 % of the joints are outside the frame; ")


def test_recognizes_labels_between_0_and_1():
    assert checked(labels=[labels_of() / 64]).warnings() == [
        "the labels are between 0 and 1; they must be in pixels of the frame"
    ]


def test_counts_frames_whose_joints_are_in_one_place():
    labels = labels_of()
    labels[1, 3:5], labels[2, 0] = 30, 20
    plausibility = checked(labels=[labels])
    assert plausibility.warnings() == ["all joints are in one place in 3 labelled frames"]
    assert plausibility.examples["all joints in one place"] == [(1, 3)]


def test_recognizes_that_left_and_right_are_swapped_everywhere():
    labels = labels_of()
    [message] = checked(labels=[labels[:, :, SWAPPED]]).warnings()
    assert "the right shoulder is right of the left one in 100 % of the labelled frames" in message


@pytest.mark.parametrize("first_frame", [1, 6, 9])
def test_counts_frames_from_which_left_and_right_are_swapped(first_frame):
    labels = labels_of()
    labels[2, first_frame:] = labels[2, first_frame:][:, SWAPPED]
    plausibility = checked(labels=[labels_of(), labels])
    assert plausibility.warnings() == ["left and right trade places between neighbouring frames 1 time"]
    assert plausibility.examples["left and right traded places"] == [(6, first_frame)]


def test_keeps_a_few_examples_that_are_apart():
    labels = labels_of(200)
    labels[30:, 5, 0, 0] = -1
    plausibility = checked(labels=[labels[:45], labels[45:]])
    assert plausibility.examples["joints outside the frame"] == [(30 + 10 * number, 5) for number in range(5)]


def test_labels_that_are_not_finite_are_left_to_others():
    labels = labels_of()
    labels[0, 0, 0], labels[1] = np.nan, np.inf
    checked(labels=[labels]).warnings()
