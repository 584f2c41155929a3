"""Colour: a random gain and offset for each channel of a sequence; half of the sequences look entirely different.

A few dozen people have few clothes and few skin tones. In negatives, and with other tone curves and mixed channels, a
sleeve can be darker or brighter than the hand and the wall, so that only its shape identifies it. Xu et al., *Robust
and Generalizable Visual Representation Learning via Random Convolutions*, ICLR 2021, mix channels at random for the
same purpose, and neighbouring pixels as well.
"""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

NUMBERS = 15  # the random numbers for one sequence
MIDDLE = 127.5
LARGEST_GAIN = 0.25
LARGEST_OFFSET = 16.0
# Of the half with a different appearance:
LARGEST_GAIN_IF_DIFFERENT = 0.5
LARGEST_BEND = 0.9  # of the tone curve; 1 would make one end flat
LARGEST_SHARE = 0.4  # of each other channel
NEGATIVE_FROM = 0.4  # random numbers above this make a negative: three in ten


def change_colours(channels: list[tf.Tensor], uniform: tf.Tensor) -> list[tf.Tensor]:
    """The red, green and blue of frames with changed colours, float32 (B, 64, 64, 10) each, not clipped to 0 to 255.

    channels: of the same type and shape; they are clipped to 0 to 255 first. uniform: float32 (B, NUMBERS) from -1 to
    1: three gains, three offsets, whether the sequence gets a different appearance, the bend of its tone curve, whether
    it is a negative, and for each channel the shares of the two others.
    """
    drawn = tf.unstack(uniform[:, :, None, None, None], axis=1)
    gains, offsets, (different, bend, negative), shares = drawn[:3], drawn[3:6], drawn[6:9], drawn[9:]
    is_different = tf.cast(different > 0, tf.float32)
    sign = 1 - 2 * is_different * tf.cast(negative > NEGATIVE_FROM, tf.float32)
    largest_gain = LARGEST_GAIN + is_different * (LARGEST_GAIN_IF_DIFFERENT - LARGEST_GAIN)
    bend = is_different * (LARGEST_BEND / 255) * bend
    shares = [is_different * LARGEST_SHARE * share for share in shares]
    channels = [_bent(channel, bend) * sign for channel in channels]
    changed = []
    for own, (gain, offset) in enumerate(zip(gains, offsets, strict=True)):
        parts = [channels[own] * (1 + largest_gain * gain)]
        parts += [channels[(own + other) % 3] * shares[2 * own + other - 1] for other in (1, 2)]
        # TensorFlow may reorder a chain of sums, which changes the last bit. It does not reorder this op.
        changed.append(tf.add_n(parts) + (MIDDLE + LARGEST_OFFSET * offset))
    return changed


def _bent(channel: tf.Tensor, bend: tf.Tensor) -> tf.Tensor:
    """A channel with a changed tone curve, minus the middle of the range. Black and white do not change.

    For t, the tone minus the middle m, the curve is t + bend * (m² - t²). TensorFlow does not reorder this form, as it
    would a chain of products.
    """
    tones = tf.clip_by_value(channel, 0.0, 255.0) - MIDDLE
    return tones + bend * (MIDDLE**2 - tf.square(tones))
