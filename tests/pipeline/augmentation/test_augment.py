import numpy as np
import pytest

from pipeline.augmentation.augment import augment
from pipeline.tensorflow_v1 import tf
from tests.pipeline.augmentation.batches import MOVING_KINDS, augmented, marked


def test_all_frames_of_a_sequence_change_alike():
    frames, labels = marked(20)
    new_frames, new_labels = augmented(frames, labels)
    assert (new_frames == new_frames[:, :1]).all()
    assert (new_labels == new_labels[:, :1]).all()


def test_sequences_of_a_batch_change_differently():
    frames, labels = marked(1)
    frames, labels = np.repeat(frames, 20, axis=0), np.repeat(labels, 20, axis=0)
    _, new_labels = augmented(frames, labels)
    assert len(np.unique(new_labels[:, 0, 0, 0])) == 20


def test_frames_of_a_sequence_keep_their_order():
    frames = np.arange(10, dtype=np.uint8)[None, :, None, None, None] * 20 + np.zeros((3, 1, 64, 64, 3), np.uint8)
    new_frames, _ = augmented(frames, np.zeros((3, 10, 7, 2), np.float32), kinds=MOVING_KINDS)
    assert (new_frames == frames).all()


def test_no_kinds_change_nothing():
    frames = np.random.default_rng(0).integers(0, 256, (3, 10, 64, 64, 3), dtype=np.uint8)
    labels = np.random.default_rng(1).uniform(0, 64, (3, 10, 7, 2)).astype(np.float32)
    new_frames, new_labels = augmented(frames, labels, kinds=())
    assert (new_frames == frames).all()
    np.testing.assert_allclose(new_labels, labels, rtol=0, atol=1e-5)


def test_depends_on_the_seed_alone():
    frames, labels = marked(4)
    first, second, other = (augmented(frames, labels, seed)[1] for seed in ((3, 7), (3, 7), (3, 8)))
    assert (first == second).all()
    assert (first != other).any()


def test_no_op_depends_on_the_processor():
    """A resumed run must see bit-identical batches, which matmuls and convolutions do not guarantee."""
    with tf.Graph().as_default() as graph:
        augment(tf.zeros([3, 10, 64, 64, 3], tf.uint8), tf.zeros([3, 10, 7, 2]), tf.constant([0, 1], tf.int64))
        types = {operation.type for operation in graph.get_operations()}
    assert "Mul" in types
    assert [name for name in types if any(part in name for part in ("MatMul", "Conv", "Einsum"))] == []


@pytest.mark.parametrize(
    "length, chosen, distances", [(10, 3, (2, 4)), (7, 3, (1, 3)), (3, 3, (1,)), (2, 2, (1,)), (1, 1, (1,))]
)
def test_pace_keeps_three_frames_at_one_of_two_distances(length, chosen, distances):
    numbers = np.arange(length)
    frames = np.broadcast_to(numbers[:, None, None, None], (300, length, 64, 64, 3)).astype(np.uint8)
    labels = np.broadcast_to(numbers[:, None, None], (300, length, 7, 2)).astype(np.float32)
    new_frames, new_labels = augmented(frames, labels, kinds=("pace",))
    assert new_frames.shape == (300, chosen, 64, 64, 3) and new_labels.shape == (300, chosen, 7, 2)
    seen = new_frames[..., 0, 0, 0]
    assert (new_frames == seen[:, :, None, None, None]).all() and (new_labels == seen[:, :, None, None]).all()
    possible = {tuple(numbers[start::each][:chosen]) for each in distances for start in range(length)}
    assert set(map(tuple, seen.tolist())) == {choice for choice in possible if len(choice) == chosen}
    if len(distances) > 1:
        assert 100 < (seen[:, 1] - seen[:, 0] == distances[1]).sum() < 200
