import numpy as np
import pytest

from pipeline.augmentation.augment import augment
from pipeline.augmentation.warp import warp_labels, warp_pixels
from pipeline.joints import JOINT_NAMES
from pipeline.tensorflow_v1 import tf
from tests.pipeline.augmentation.batches import MOVING_KINDS, augmented, centres, marked, run, with_frames_last

UNCHANGED = [[1, 0, 0], [0, 1, 0]]
MIRRORED = [[-1, 0, 64], [0, 1, 0]]
EXCHANGED = [0, 2, 1, 4, 3, 6, 5]


@pytest.mark.parametrize("kind", [*MOVING_KINDS, "all of them"])
def test_a_marked_spot_is_where_its_label_says(kind):
    kinds = MOVING_KINDS if kind == "all of them" else (kind,)
    frames, labels = marked(100)
    new_frames, new_labels = augmented(frames, labels, (1, 2), kinds)
    np.testing.assert_allclose(centres(new_frames), new_labels[:, :, 0], rtol=0, atol=0.25)
    # The test would prove nothing without a movement.
    assert np.abs(new_labels - labels).max() > 1


def test_frames_that_are_not_square():
    random = np.random.default_rng(0)
    frames, labels = np.zeros((50, 3, 48, 80, 3), np.uint8), np.empty((50, 3, 7, 2), np.float32)
    for sequence, label in zip(frames, labels, strict=True):
        x, y = random.integers(35, 45), random.integers(20, 28)
        sequence[:, y - 2 : y + 3, x - 2 : x + 3], label[:] = 200, (x + 0.5, y + 0.5)
    new_frames, new_labels = augmented(frames, labels, (1, 2), ("mirror", "shift"))
    assert new_frames.shape == frames.shape
    weight = new_frames.astype(np.float64).sum(axis=-1)
    x = (weight.sum(axis=-2) * (np.arange(80) + 0.5)).sum(axis=-1) / weight.sum(axis=(-2, -1))
    y = (weight.sum(axis=-1) * (np.arange(48) + 0.5)).sum(axis=-1) / weight.sum(axis=(-2, -1))
    np.testing.assert_allclose(np.stack([x, y], axis=-1), new_labels[:, :, 0], rtol=0, atol=0.25)
    # Shifts are at most the same share of a frame of any size, 10 px of 64.
    assert 10 < np.abs(new_labels - labels)[..., 0].max() <= 22.5 + 1e-3
    assert 5 < np.abs(new_labels - labels)[..., 1].max() <= 7.5 + 1e-3


def warp_frames(frames, transforms):
    """warp_pixels with the order of dimensions that frames have elsewhere."""
    return np.moveaxis(run(warp_pixels, with_frames_last(frames), transforms), -1, 1)


def augmented_labels(labels, kind):
    """Labels of frames of 64×64 px after one kind of augmentation; the frames are not computed."""
    frames = np.zeros((*labels.shape[:2], 64, 64, 3), np.uint8)
    return run(lambda *batch: augment(*batch, tf.constant((0, 0), tf.int64), (kind,))[1], frames, labels)


def test_random_numbers_span_exactly_their_range():
    labels = np.full((500, 10, 7, 2), 32, np.float32)
    shifted = augmented_labels(labels, "shift")
    assert 9 < np.abs(shifted - 32).max() <= 10 and np.abs(shifted.mean() - 32) < 1
    labels[..., 0] = 42
    mirrored = augmented_labels(labels, "mirror")
    assert 200 < (mirrored[:, 0, 0, 0] == 22).sum() < 300
    scaled = augmented_labels(labels, "scale")
    # Each axis is stretched or compressed by up to 1.1.
    assert 10 * 0.5 / 1.1 - 1e-4 <= scaled[..., 0].min() - 32 < 5.5
    assert 12.5 < scaled[..., 0].max() - 32 <= 10 * 1.35 * 1.1 + 1e-4
    turned = augmented_labels(labels, "rotation")
    assert 8.5 < np.degrees(np.arctan2(turned[..., 1] - 32, turned[..., 0] - 32)).max() < 9.01


def test_mirror_reverses_the_columns():
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (2, 10, 64, 64, 3), dtype=np.uint8)
    labels = random.uniform(0, 64, (2, 10, 7, 2)).astype(np.float32)
    transforms = np.array([UNCHANGED, MIRRORED], np.float32)
    warped = warp_frames(frames, transforms)
    np.testing.assert_allclose(warped[0], frames[0], rtol=0, atol=1e-3)
    np.testing.assert_allclose(warped[1], frames[1, :, :, ::-1], rtol=0, atol=1e-3)
    moved = run(warp_labels, labels, transforms)
    np.testing.assert_allclose(moved[0], labels[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(moved[1], [64, 0] + labels[1][:, EXCHANGED] * [-1, 1], rtol=0, atol=1e-5)


def test_a_mirror_exchanges_every_right_joint_with_its_left():
    labels = np.broadcast_to(np.arange(7, dtype=np.float32)[:, None], (1, 10, 7, 2))
    rows = run(warp_labels, labels, np.array([MIRRORED], np.float32))[0, 0, :, 1].astype(int)
    for row, name in zip(rows, JOINT_NAMES, strict=True):
        side, _, joint = name.partition(" ")
        assert JOINT_NAMES[row] == {"right": f"left {joint}", "left": f"right {joint}"}.get(side, name)


def test_a_quarter_turn_by_hand():
    # (x, y) goes to (64 - y, x): the first row of pixels becomes the last column.
    frames = np.random.default_rng(0).integers(0, 256, (1, 10, 64, 64, 3), dtype=np.uint8)
    transform = np.array([[[0, -1, 64], [1, 0, 0]]], np.float32)
    warped = warp_frames(frames, transform)
    np.testing.assert_allclose(warped, np.rot90(frames, -1, axes=(2, 3)), rtol=0, atol=1e-3)
    labels = np.full((1, 10, 7, 2), (10, 3), np.float32)
    np.testing.assert_allclose(run(warp_labels, labels, transform)[0, 0, 0], [61, 10], rtol=0, atol=1e-5)


def test_half_a_pixel_lies_between_two():
    frames = np.random.default_rng(0).integers(0, 256, (1, 10, 64, 64, 3), dtype=np.uint8)
    warped = warp_frames(frames, np.array([[[1, 0, 0.5], [0, 1, 0]]], np.float32))
    between = (frames[..., 1:, :].astype(np.float32) + frames[..., :-1, :]) / 2
    np.testing.assert_allclose(warped[..., 1:, :], between, rtol=0, atol=1e-2)
    # Pixels beyond the edge repeat it.
    np.testing.assert_allclose(warped[..., 0, :], frames[..., 0, :], rtol=0, atol=1e-2)


def test_labels_move_as_by_numpy():
    random = np.random.default_rng(0)
    labels = random.uniform(-5, 70, (20, 10, 7, 2)).astype(np.float32)
    transforms = random.uniform(-2, 2, (20, 2, 3)).astype(np.float32)
    points = np.concatenate([labels, np.ones((20, 10, 7, 1))], axis=-1)
    expected = np.einsum("bij,blkj->blki", transforms.astype(np.float64), points)
    mirrors = np.linalg.det(transforms[:, :, :2]) < 0
    assert 0 < mirrors.sum() < 20
    expected[mirrors] = expected[mirrors][:, :, EXCHANGED]
    np.testing.assert_allclose(run(warp_labels, labels, transforms), expected, rtol=0, atol=1e-4)
