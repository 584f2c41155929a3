import numpy as np
import pytest

from pipeline.augmentation.augment import augment, warp_frames, warp_labels
from pipeline.augmentation.kinds import KINDS
from pipeline.joints import JOINT_NAMES
from pipeline.tensorflow_v1 import tf

UNCHANGED = [[1, 0, 0], [0, 1, 0]]
MIRRORED = [[-1, 0, 64], [0, 1, 0]]
EXCHANGED = [0, 2, 1, 4, 3, 6, 5]
MOVING_KINDS = ("mirror", "scale", "rotation", "shift")


@pytest.fixture(scope="module")
def run():
    """Runs a function of tensors on arrays."""

    def run_on(function, *values):
        with tf.Graph().as_default(), tf.Session() as session:
            placeholders = [tf.placeholder(value.dtype, [None, *value.shape[1:]]) for value in values]
            return session.run(function(*placeholders), dict(zip(placeholders, values)))

    return run_on


def augmented(run, frames, labels, seed=(0, 0), kinds=KINDS):
    return run(lambda *batch: augment(*batch, tf.constant(seed, tf.int64), kinds), frames, labels)


def marked(batch, seed=0):
    """Frames with a spot of 5×5 pixels at another place in each sequence, and labels that all say where it is."""
    places = np.random.default_rng(seed).integers(24, 40, (batch, 2))
    frames = np.zeros((batch, 10, 64, 64, 3), np.uint8)
    for sequence, (x, y) in zip(frames, places):
        sequence[:, y - 2 : y + 3, x - 2 : x + 3] = 200
    labels = np.broadcast_to((places + 0.5)[:, None, None], (batch, 10, 7, 2)).astype(np.float32)
    return frames, labels


def centres(frames):
    """Where the light in frames (..., 64, 64, 3) is, x and y in pixels, (..., 2)."""
    weight = frames.astype(np.float64).sum(axis=-1)
    middle = np.arange(64) + 0.5
    total = weight.sum(axis=(-2, -1))
    x, y = (weight.sum(axis=-2) * middle).sum(axis=-1), (weight.sum(axis=-1) * middle).sum(axis=-1)
    return np.stack([x / total, y / total], axis=-1)


@pytest.mark.parametrize("kind", [*MOVING_KINDS, "all of them"])
def test_a_marked_spot_is_where_its_label_says(kind, run):
    kinds = MOVING_KINDS if kind == "all of them" else (kind,)
    frames, labels = marked(100)
    new_frames, new_labels = augmented(run, frames, labels, (1, 2), kinds)
    np.testing.assert_allclose(centres(new_frames), new_labels[:, :, 0], rtol=0, atol=0.25)
    # It has moved, or the test would say nothing.
    assert np.abs(new_labels - labels).max() > 1


def test_frames_that_are_not_square(run):
    random = np.random.default_rng(0)
    frames, labels = np.zeros((50, 3, 48, 80, 3), np.uint8), np.empty((50, 3, 7, 2), np.float32)
    for sequence, label in zip(frames, labels):
        x, y = random.integers(35, 45), random.integers(20, 28)
        sequence[:, y - 2 : y + 3, x - 2 : x + 3], label[:] = 200, (x + 0.5, y + 0.5)
    new_frames, new_labels = augmented(run, frames, labels, (1, 2), ("mirror", "shift"))
    assert new_frames.shape == frames.shape
    weight = new_frames.astype(np.float64).sum(axis=-1)
    x = (weight.sum(axis=-2) * (np.arange(80) + 0.5)).sum(axis=-1) / weight.sum(axis=(-2, -1))
    y = (weight.sum(axis=-1) * (np.arange(48) + 0.5)).sum(axis=-1) / weight.sum(axis=(-2, -1))
    np.testing.assert_allclose(np.stack([x, y], axis=-1), new_labels[:, :, 0], rtol=0, atol=0.25)
    # Shifts are the same share of a frame of any size, 10 px of 64.
    assert 10 < np.abs(new_labels - labels)[..., 0].max() <= 22.5 + 1e-3
    assert 5 < np.abs(new_labels - labels)[..., 1].max() <= 7.5 + 1e-3


def test_all_frames_of_a_sequence_change_alike(run):
    frames, labels = marked(20)
    new_frames, new_labels = augmented(run, frames, labels)
    assert (new_frames == new_frames[:, :1]).all()
    assert (new_labels == new_labels[:, :1]).all()


def test_sequences_of_a_batch_change_differently(run):
    frames, labels = marked(1)
    frames, labels = np.repeat(frames, 20, axis=0), np.repeat(labels, 20, axis=0)
    _, new_labels = augmented(run, frames, labels)
    assert len(np.unique(new_labels[:, 0, 0, 0])) == 20


def test_frames_of_a_sequence_keep_their_order(run):
    frames = np.arange(10, dtype=np.uint8)[None, :, None, None, None] * 20 + np.zeros((3, 1, 64, 64, 3), np.uint8)
    new_frames, _ = augmented(run, frames, np.zeros((3, 10, 7, 2), np.float32), kinds=MOVING_KINDS)
    assert (new_frames == frames).all()


@pytest.mark.parametrize("length, chosen", [(10, 5), (7, 4), (2, 1), (1, 1)])
def test_half_of_the_frames_in_a_row_or_every_other_one(length, chosen, run):
    numbers = np.arange(length)
    frames = np.broadcast_to(numbers[:, None, None, None], (300, length, 64, 64, 3)).astype(np.uint8)
    labels = np.broadcast_to(numbers[:, None, None], (300, length, 7, 2)).astype(np.float32)
    new_frames, new_labels = augmented(run, frames, labels, kinds=("pace",))
    assert new_frames.shape == (300, chosen, 64, 64, 3) and new_labels.shape == (300, chosen, 7, 2)
    seen = new_frames[..., 0, 0, 0]
    assert (new_frames == seen[:, :, None, None, None]).all() and (new_labels == seen[:, :, None, None]).all()
    in_a_row = {tuple(numbers[start : start + chosen]) for start in range(length - chosen + 1)}
    every_other = {tuple(numbers[start::2][:chosen]) for start in range(2) if len(numbers[start::2]) >= chosen}
    assert set(map(tuple, seen.tolist())) == in_a_row | every_other
    if chosen > 1:
        assert 100 < (seen[:, 1] - seen[:, 0] == 2).sum() < 200


def test_mirror_equals_the_frame_from_right_to_left(run):
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (2, 10, 64, 64, 3), dtype=np.uint8)
    labels = random.uniform(0, 64, (2, 10, 7, 2)).astype(np.float32)
    transforms = np.array([UNCHANGED, MIRRORED], np.float32)
    warped = run(warp_frames, frames, transforms)
    np.testing.assert_allclose(warped[0], frames[0], rtol=0, atol=1e-3)
    np.testing.assert_allclose(warped[1], frames[1, :, :, ::-1], rtol=0, atol=1e-3)
    moved = run(warp_labels, labels, transforms)
    np.testing.assert_allclose(moved[0], labels[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(moved[1], [64, 0] + labels[1][:, EXCHANGED] * [-1, 1], rtol=0, atol=1e-5)


def test_a_mirror_exchanges_every_right_joint_with_its_left(run):
    labels = np.broadcast_to(np.arange(7, dtype=np.float32)[:, None], (1, 10, 7, 2))
    rows = run(warp_labels, labels, np.array([MIRRORED], np.float32))[0, 0, :, 1].astype(int)
    for row, name in zip(rows, JOINT_NAMES):
        side, _, joint = name.partition(" ")
        assert JOINT_NAMES[row] == {"right": f"left {joint}", "left": f"right {joint}"}.get(side, name)


def test_a_quarter_turn_by_hand(run):
    # (x, y) goes to (64 - y, x): the first row of pixels becomes the last column.
    frames = np.random.default_rng(0).integers(0, 256, (1, 10, 64, 64, 3), dtype=np.uint8)
    transform = np.array([[[0, -1, 64], [1, 0, 0]]], np.float32)
    warped = run(warp_frames, frames, transform)
    np.testing.assert_allclose(warped, np.rot90(frames, -1, axes=(2, 3)), rtol=0, atol=1e-3)
    labels = np.full((1, 10, 7, 2), (10, 3), np.float32)
    np.testing.assert_allclose(run(warp_labels, labels, transform)[0, 0, 0], [61, 10], rtol=0, atol=1e-5)


def test_half_a_pixel_lies_between_two(run):
    frames = np.random.default_rng(0).integers(0, 256, (1, 10, 64, 64, 3), dtype=np.uint8)
    warped = run(warp_frames, frames, np.array([[[1, 0, 0.5], [0, 1, 0]]], np.float32))
    between = (frames[..., 1:, :].astype(np.float32) + frames[..., :-1, :]) / 2
    np.testing.assert_allclose(warped[..., 1:, :], between, rtol=0, atol=1e-2)
    # Beyond the edge the edge goes on.
    np.testing.assert_allclose(warped[..., 0, :], frames[..., 0, :], rtol=0, atol=1e-2)


def test_colour_changes_channels_and_not_places(run):
    frames = np.full((50, 10, 64, 64, 3), 128, np.uint8)
    labels = np.random.default_rng(0).uniform(0, 64, (50, 10, 7, 2)).astype(np.float32)
    new_frames, new_labels = augmented(run, frames, labels, kinds=("colour",))
    np.testing.assert_allclose(new_labels, labels, rtol=0, atol=1e-5)
    assert (new_frames == new_frames[:, :1, :1, :1]).all()
    colours = new_frames[:, 0, 0, 0].astype(int)
    assert (colours.std(axis=0) > 5).all()
    assert (np.ptp(colours, axis=1) > 0).mean() > 0.9


def test_bright_and_dark_pixels_do_not_wrap_around(run):
    for value, is_kept in ((255, lambda frames: frames.min() > 150), (0, lambda frames: frames.max() < 50)):
        frames = np.full((50, 10, 64, 64, 3), value, np.uint8)
        new_frames, _ = augmented(run, frames, np.zeros((50, 10, 7, 2), np.float32), kinds=("colour",))
        assert is_kept(new_frames)


def test_no_kinds_change_nothing(run):
    frames = np.random.default_rng(0).integers(0, 256, (3, 10, 64, 64, 3), dtype=np.uint8)
    labels = np.random.default_rng(1).uniform(0, 64, (3, 10, 7, 2)).astype(np.float32)
    new_frames, new_labels = augmented(run, frames, labels, kinds=())
    assert (new_frames == frames).all()
    np.testing.assert_allclose(new_labels, labels, rtol=0, atol=1e-5)


def test_seed_alone_decides(run):
    frames, labels = marked(4)
    first, second, other = (augmented(run, frames, labels, seed)[1] for seed in ((3, 7), (3, 7), (3, 8)))
    assert (first == second).all()
    assert (first != other).any()


def test_no_op_gives_what_the_processor_makes_of_it():
    """A resumed run sees the same batches to the last bit, which matmuls and convolutions do not promise."""
    with tf.Graph().as_default() as graph:
        augment(tf.zeros([3, 10, 64, 64, 3], tf.uint8), tf.zeros([3, 10, 7, 2]), tf.constant([0, 1], tf.int64))
        types = {operation.type for operation in graph.get_operations()}
    assert "Mul" in types
    assert [name for name in types if any(part in name for part in ("MatMul", "Conv", "Einsum"))] == []


def test_labels_move_as_numpy_moves_them(run):
    random = np.random.default_rng(0)
    labels = random.uniform(-5, 70, (20, 10, 7, 2)).astype(np.float32)
    transforms = random.uniform(-2, 2, (20, 2, 3)).astype(np.float32)
    points = np.concatenate([labels, np.ones((20, 10, 7, 1))], axis=-1)
    expected = np.einsum("bij,blkj->blki", transforms.astype(np.float64), points)
    mirrors = np.linalg.det(transforms[:, :, :2]) < 0
    assert 0 < mirrors.sum() < 20
    expected[mirrors] = expected[mirrors][:, :, EXCHANGED]
    np.testing.assert_allclose(run(warp_labels, labels, transforms), expected, rtol=0, atol=1e-4)


def test_what_is_drawn_spans_its_range_and_no_more(run):
    labels = np.full((500, 10, 7, 2), 32, np.float32)
    _, shifted = augmented(run, np.zeros((500, 10, 64, 64, 3), np.uint8), labels, kinds=("shift",))
    assert 9 < np.abs(shifted - 32).max() <= 10 and np.abs(shifted.mean() - 32) < 1
    labels[..., 0] = 42
    _, mirrored = augmented(run, np.zeros((500, 10, 64, 64, 3), np.uint8), labels, kinds=("mirror",))
    assert 200 < (mirrored[:, 0, 0, 0] == 22).sum() < 300
    _, scaled = augmented(run, np.zeros((500, 10, 64, 64, 3), np.uint8), labels, kinds=("scale",))
    # The two axes are stretched by up to 1.1 against each other.
    assert 10 * 0.5 / 1.1 - 1e-4 <= scaled[..., 0].min() - 32 < 5.5
    assert 12.5 < scaled[..., 0].max() - 32 <= 10 * 1.35 * 1.1 + 1e-4
    _, turned = augmented(run, np.zeros((500, 10, 64, 64, 3), np.uint8), labels, kinds=("rotation",))
    assert 8.5 < np.degrees(np.arctan2(turned[..., 1] - 32, turned[..., 0] - 32)).max() < 9.01
