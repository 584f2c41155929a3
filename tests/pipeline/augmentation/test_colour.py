import numpy as np

from tests.pipeline.augmentation.batches import augmented

NO_LABELS = np.zeros((200, 10, 7, 2), np.float32)


def ramp():
    """Frames of all greys, a row of 64 at a time: uint8 (200, 10, 64, 64, 3)."""
    greys = np.linspace(0, 255, 64).round().astype(np.uint8)
    return np.broadcast_to(greys[:, None, None], (200, 10, 64, 64, 3))


def test_colour_changes_channels_and_not_places():
    frames = np.full((50, 10, 64, 64, 3), 140, np.uint8)
    labels = np.random.default_rng(0).uniform(0, 64, (50, 10, 7, 2)).astype(np.float32)
    new_frames, new_labels = augmented(frames, labels, kinds=("colour",))
    np.testing.assert_allclose(new_labels, labels, rtol=0, atol=1e-5)
    assert (new_frames == new_frames[:, :1, :1, :1]).all()
    colours = new_frames[:, 0, 0, 0].astype(int)
    assert (colours.std(axis=0) > 5).all()
    assert (np.ptp(colours, axis=1) > 0).mean() > 0.9


def test_tones_keep_their_order_or_reverse_it_and_do_not_wrap_around():
    new_frames, _ = augmented(ramp(), NO_LABELS, kinds=("colour",))
    steps = np.diff(new_frames[:, 0, :, 0].astype(int), axis=1)
    rises, falls = (steps >= 0).all(axis=1), (steps <= 0).all(axis=1)
    assert (rises | falls).all()
    assert rises.any(axis=0).all() and falls.any(axis=0).all()


def test_half_of_the_sequences_keep_their_look():
    """Of these, a channel depends on itself alone, and is the same line for all tones."""
    frames = np.array(ramp())
    frames[..., 1:] = 60
    new_frames, _ = augmented(frames, NO_LABELS, kinds=("colour",))
    others = new_frames[:, 0, :, 0, 1:]
    keeps = (others == others[:, :1]).all(axis=(1, 2))
    # 200 sequences: 70 to 130 is four standard deviations to either side.
    assert 70 < keeps.sum() < 130
    greys, red = frames[0, 0, 10:40, 0, 0].astype(float), new_frames[keeps][:, 0, 10:40, 0, 0].astype(float)
    lines = [np.polyval(np.polyfit(greys, tones, 1), greys) for tones in red]
    # Both are rounded to whole numbers.
    np.testing.assert_allclose(red, lines, rtol=0, atol=1)
