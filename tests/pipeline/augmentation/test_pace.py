import numpy as np
import pytest

from tests.pipeline.augmentation.batches import augmented


@pytest.mark.parametrize("length, chosen", [(10, 5), (7, 4), (2, 1), (1, 1)])
def test_half_of_the_frames_in_a_row_or_every_other_one(length, chosen):
    numbers = np.arange(length)
    frames = np.broadcast_to(numbers[:, None, None, None], (300, length, 64, 64, 3)).astype(np.uint8)
    labels = np.broadcast_to(numbers[:, None, None], (300, length, 7, 2)).astype(np.float32)
    new_frames, new_labels = augmented(frames, labels, kinds=("pace",))
    assert new_frames.shape == (300, chosen, 64, 64, 3) and new_labels.shape == (300, chosen, 7, 2)
    seen = new_frames[..., 0, 0, 0]
    assert (new_frames == seen[:, :, None, None, None]).all() and (new_labels == seen[:, :, None, None]).all()
    in_a_row = {tuple(numbers[start : start + chosen]) for start in range(length - chosen + 1)}
    every_other = {tuple(numbers[start::2][:chosen]) for start in range(2) if len(numbers[start::2]) >= chosen}
    assert set(map(tuple, seen.tolist())) == in_a_row | every_other
    if chosen > 1:
        assert 100 < (seen[:, 1] - seen[:, 0] == 2).sum() < 200
