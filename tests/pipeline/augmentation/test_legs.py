import numpy as np
import pytest

from pipeline.augmentation.legs import NUMBERS, draw_legs
from tests.pipeline.augmentation.batches import augmented, run

# Head, then right and left wrist, elbow and shoulder, of a person whose hips are at the lower edge of the frame.
POSE = np.array([(32, 14), (12, 34), (52, 34), (18, 30), (46, 30), (24, 28), (40, 28)], np.float32)


@pytest.fixture(scope="module")
def batch():
    frames = np.random.default_rng(0).integers(0, 256, (200, 2, 64, 64, 3), dtype=np.uint8)
    return frames, np.broadcast_to(POSE, (200, 2, 7, 2)).copy()


def test_people_who_are_not_scaled_down_get_no_legs(batch):
    frames, labels = augmented(*batch, kinds=("legs",))
    np.testing.assert_array_equal(frames, batch[0])
    np.testing.assert_allclose(labels, batch[1], rtol=0, atol=1e-5)


def test_most_people_who_are_scaled_down_get_legs_below_the_old_frame_and_only_there(batch):
    plain_frames, plain_labels = augmented(*batch, kinds=("scale",))
    frames, labels = augmented(*batch, kinds=("scale", "legs"))
    np.testing.assert_array_equal(labels, plain_labels)
    # Scaled about the middle of the frame, by up to 1.1 more along one axis.
    scale_y = (plain_labels[:, 0, 1, 1] - plain_labels[:, 0, 0, 1]) / (POSE[1, 1] - POSE[0, 1])
    lower_edge = 32 + 32 * scale_y
    is_small = scale_y < 0.9 / 1.1
    has_legs = (frames != plain_frames).any(axis=(1, 2, 3, 4))
    # 60 % of about 70 sequences, and four standard deviations to either side.
    assert 50 < is_small.sum() < 100
    assert 0.36 < has_legs[is_small].mean() < 0.84
    assert not has_legs[scale_y > 1].any()
    rows = (frames != plain_frames).any(axis=(1, 3, 4))
    for changed, edge in zip(rows, lower_edge, strict=True):
        # The mask's edge is soft.
        assert not changed[: int(edge) - 4].any()


def test_legs_do_not_move_within_a_sequence(batch):
    frames = np.repeat(batch[0][:, :1], 2, axis=1)
    changed, _ = augmented(frames, batch[1], kinds=("scale", "legs"))
    np.testing.assert_array_equal(changed[:, 0], changed[:, 1])


def test_legs_of_a_part_of_a_batch_are_those_of_the_whole_batch():
    """Bit-identical, because the workers of a cluster augment parts of a batch."""
    random = np.random.default_rng(0)
    pixels = random.uniform(0, 255, (12, 64, 64, 3, 3)).astype(np.float32)
    labels = (POSE / 2 + random.normal(0, 1, (12, 3, 7, 2))).astype(np.float32)
    transforms = np.repeat(np.float32([[[0.5, 0, 16], [0, 0.5, 16]]]), 12, axis=0)
    uniform = random.uniform(-0.1, 1, (12, NUMBERS)).astype(np.float32)
    whole = run(draw_legs, pixels, labels, transforms, uniform)
    assert (whole != pixels).any(axis=(1, 2, 3, 4)).all()
    for size in (1, 2, 3):
        parts = [slice(start, start + size) for start in range(0, 12, size)]
        drawn = [run(draw_legs, *(values[part] for values in (pixels, labels, transforms, uniform))) for part in parts]
        np.testing.assert_array_equal(np.concatenate(drawn), whole)
