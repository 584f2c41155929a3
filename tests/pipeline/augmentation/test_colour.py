import numpy as np

from pipeline.augmentation.colour import NUMBERS, change_colours
from pipeline.tensorflow_v1 import tf
from tests.pipeline.augmentation.batches import augmented, run

NO_LABELS = np.zeros((200, 10, 7, 2), np.float32)


def ramp():
    """Frames of all greys, a row of 64 at a time: uint8 (200, 10, 64, 64, 3)."""
    greys = np.linspace(0, 255, 64).round().astype(np.uint8)
    return np.broadcast_to(greys[:, None, None], (200, 10, 64, 64, 3))


def test_colour_changes_channels_and_no_positions():
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


def test_without_a_different_look_a_channel_is_a_linear_function_of_itself():
    random = np.random.default_rng(0)
    frames = random.uniform(0, 255, (3, 2, 8, 8, 10)).astype(np.float32)
    uniform = random.uniform(-1, 1, (2, NUMBERS)).astype(np.float32)
    uniform[:, 6] = (-0.5, 0.5)
    channels = run(lambda *values: tf.stack(change_colours(tf.unstack(values[0], 3), values[1])), frames, uniform)
    for channel, (before, after) in enumerate(zip(frames, channels, strict=True)):
        gain, offset = 1 + 0.25 * uniform[0, channel], 16 * uniform[0, 3 + channel]
        np.testing.assert_allclose(after[0], (before[0] - 127.5) * gain + 127.5 + offset, rtol=0, atol=1e-3)
        assert np.corrcoef(before[1].ravel(), after[1].ravel())[0, 1] ** 2 < 0.99


def test_half_of_the_sequences_get_a_different_appearance():
    """Of a ramp of red, in front of constant green and blue, these get some in the other channels."""
    frames = np.full((200, 10, 64, 64, 3), 128, np.uint8)
    frames[..., 0] = ramp()[..., 0]
    new_frames, _ = augmented(frames, NO_LABELS, kinds=("colour",))
    others = new_frames[:, 0, :, 0, 1:].astype(int)
    # 200 sequences: 70 to 130 is four standard deviations to either side. A few get too little to see.
    assert 70 < (np.ptp(others, axis=1) > 1).any(axis=1).sum() < 130
