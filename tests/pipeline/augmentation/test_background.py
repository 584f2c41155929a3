import numpy as np
import pytest

from pipeline.augmentation.augment import augment
from pipeline.augmentation.background import change_backgrounds
from pipeline.augmentation.body import person_masks
from pipeline.tensorflow_v1 import tf
from tests.pipeline.augmentation.batches import with_frames_last

# Head, then right and left wrist, elbow and shoulder, of a person in the middle of the frame with one arm raised.
POSE = np.array([(32, 14), (12, 24), (42, 40), (18, 24), (41, 32), (26, 24), (38, 24)], np.float32)
LEFT_EDGE, RIGHT_EDGE, LEFT_EDGE_UPSIDE_DOWN, NONE = (1, 1, -1), (1, -1, -1), (1, 1, 0.9), (-1, 1, 1)


def evaluated(tensor):
    with tf.Session() as session:
        return session.run(tensor)


def mask_of(pose, height=64, width=64):
    labels = np.broadcast_to(pose, (1, 10, 7, 2)).astype(np.float32)
    with tf.Graph().as_default():
        return evaluated(person_masks(tf.constant(labels), height, width))[0, :, :, 0]


def changed(frames, labels, uniform, colours=None):
    """change_backgrounds with the order of dimensions that frames have elsewhere."""
    with tf.Graph().as_default():
        batch = map(tf.constant, (with_frames_last(frames), labels, np.float32(uniform)))
        return np.moveaxis(evaluated(change_backgrounds(*batch, colours)), -1, 1)


def sequences(*values):
    """Sequences of one colour each, with POSE in every frame."""
    frames = np.empty((len(values), 10, 64, 64, 3), np.uint8)
    frames[:] = np.array(values, np.uint8)[:, None, None, None, None]
    return frames, np.broadcast_to(POSE, (len(values), 10, 7, 2)).copy()


def test_the_mask_covers_every_joint_and_the_limbs_between_them():
    mask = mask_of(POSE)
    assert mask.min() == 0 and mask.max() == 1
    places = [*POSE, (POSE[1] + POSE[3]) / 2, (POSE[3] + POSE[5]) / 2, (POSE[2] + POSE[4]) / 2, (32, 30), (28, 60)]
    for x, y in places:
        assert mask[int(y), int(x)] == 1, (x, y)
    for x, y in [(2, 2), (62, 2), (12, 12), (12, 36), (56, 20), (2, 60), (62, 60)]:
        assert mask[y, x] == 0, (x, y)


@pytest.mark.parametrize("factor", [0.4, 1.5])
def test_the_mask_is_as_large_as_the_person(factor):
    middle = np.array([32, 0], np.float32)
    share = mask_of((POSE - middle) * factor + middle)[: int(24 * factor)].sum() / factor**2
    assert share == pytest.approx(mask_of(POSE)[:24].sum(), rel=0.25)


def test_a_person_in_side_view_is_not_thin():
    sideways = POSE.copy()
    sideways[:, 0] = 32
    assert mask_of(sideways)[30:40].sum(axis=1).min() > 5


def test_a_frame_that_is_not_square():
    mask = mask_of(POSE, height=48, width=80)
    assert mask.shape == (48, 80)
    np.testing.assert_array_equal(mask[:40, :56], mask_of(POSE)[:40, :56])


def test_the_person_stays_and_the_rest_comes_from_the_previous_sequence():
    frames, labels = sequences(100, 200, 50)
    frames = changed(frames, labels, [LEFT_EDGE, RIGHT_EDGE, NONE])
    for sequence, own, other in ((frames[0], 100, 50), (frames[1], 200, 100)):
        assert (sequence[:, :8, :8] == other).all() and (sequence[:, :8, -8:] == other).all()
        for x, y in POSE.astype(int):
            assert (sequence[:, y, x] == own).all()
    assert (frames[2] == 50).all()


def test_a_person_with_another_background_gets_separate_colours():
    frames, labels = sequences(100, 200, 50)
    # Three gains of 1, no offsets, another appearance without another tone curve, a negative, no mixed channels.
    negative = [0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    changed_frames = changed(frames, labels, [LEFT_EDGE, NONE, NONE], np.float32([negative] * 3))
    assert (changed_frames[0, :, :8, :8] == 50).all()
    for x, y in POSE.astype(int):
        assert (changed_frames[0, :, y, x] == 255 - 100).all()
    assert (changed_frames[1:] == frames[1:]).all()


def test_a_batch_in_which_no_background_changes():
    frames, labels = sequences(100, 200)
    np.testing.assert_array_equal(changed(frames, labels, [NONE, NONE]), frames)


def test_the_background_is_an_edge_reflected_back_and_forth():
    frames, labels = sequences(0, 0)
    frames[0] = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)
    top = changed(frames, labels, [NONE, LEFT_EDGE])[1, :, :4]
    np.testing.assert_array_equal(top[:, :, :18], frames[0, :, :4, :18])
    np.testing.assert_array_equal(top[:, :, 18:36], frames[0, :, :4, 17::-1])
    np.testing.assert_array_equal(top[:, :, 36:54], frames[0, :, :4, :18])
    top = changed(frames, labels, [NONE, RIGHT_EDGE])[1, :, :4]
    np.testing.assert_array_equal(top[:, :, :18], frames[0, :, :4, :-19:-1])
    top = changed(frames, labels, [NONE, LEFT_EDGE_UPSIDE_DOWN])[1, :, :4]
    np.testing.assert_array_equal(top[:, :, :18], frames[0, :, :-5:-1, :18])


def test_half_of_the_sequences_change_and_no_label():
    frames, labels = (values[:, :3] for values in sequences(*range(200)))
    with tf.Graph().as_default():
        seed = tf.constant([3, 4], tf.int64)
        new_frames, new_labels = evaluated(augment(*map(tf.constant, (frames, labels)), seed, kinds=("background",)))
    np.testing.assert_allclose(new_labels, labels, rtol=0, atol=1e-5)
    assert 70 < (new_frames[:, 0, 0, 0, 0] != frames[:, 0, 0, 0, 0]).sum() < 130
    assert (new_frames == new_frames[:, :1]).all()
