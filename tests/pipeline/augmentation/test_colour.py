import numpy as np

from tests.pipeline.augmentation.batches import augmented


def test_colour_changes_channels_and_not_places():
    frames = np.full((50, 10, 64, 64, 3), 128, np.uint8)
    labels = np.random.default_rng(0).uniform(0, 64, (50, 10, 7, 2)).astype(np.float32)
    new_frames, new_labels = augmented(frames, labels, kinds=("colour",))
    np.testing.assert_allclose(new_labels, labels, rtol=0, atol=1e-5)
    assert (new_frames == new_frames[:, :1, :1, :1]).all()
    colours = new_frames[:, 0, 0, 0].astype(int)
    assert (colours.std(axis=0) > 5).all()
    assert (np.ptp(colours, axis=1) > 0).mean() > 0.9


def test_bright_and_dark_pixels_do_not_wrap_around():
    for value, is_kept in ((255, lambda frames: frames.min() > 150), (0, lambda frames: frames.max() < 50)):
        frames = np.full((50, 10, 64, 64, 3), value, np.uint8)
        new_frames, _ = augmented(frames, np.zeros((50, 10, 7, 2), np.float32), kinds=("colour",))
        assert is_kept(new_frames)
