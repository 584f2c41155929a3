"""Colour: another gain and offset for each channel of a sequence, and for half of the sequences quite another look.

A few dozen people wear few clothes and have few complexions. In negatives, and with bent tones and mixed channels, a
sleeve may be darker or brighter than the hand and the wall, and only its shape tells what it is. Xu et al., *Robust and
Generalizable Visual Representation Learning via Random Convolutions*, ICLR 2021, mix channels at random for the same
end, and neighbouring pixels with them.
"""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

NUMBERS = 15
MIDDLE = 127.5
LARGEST_GAIN = 0.25
LARGEST_OFFSET = 16.0
# What changes for the half with another look: the largest gain; the curve of the tones, of which 1 would flatten one
# end; the share of each other channel in one; and the threshold for a negative, three in ten.
LARGEST_GAIN_OF_LOOK = 0.5
LARGEST_BEND = 0.9
LARGEST_SHARE = 0.4
NEGATIVE_FROM = 0.4


def change_colours(frames: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Frames with other colours, float32 (B, 10, 64, 64, 3), not clipped to 0 to 255.

    frames: of the same type and shape; what lies outside 0 to 255 is clipped first. uniform: float32 (B, NUMBERS) from
    -1 to 1: three gains, three offsets, whether the sequence gets another look, the curve of its tones, whether it is a
    negative, and the shares of two other channels in each of the three.
    """
    drawn = tf.unstack(uniform[:, :, None, None, None], axis=1)
    gains, offsets, (look, bend, negative), shares = drawn[:3], drawn[3:6], drawn[6:9], drawn[9:]
    has_look = tf.cast(look > 0, tf.float32)
    sign = 1 - 2 * has_look * tf.cast(negative > NEGATIVE_FROM, tf.float32)
    largest_gain = LARGEST_GAIN + has_look * (LARGEST_GAIN_OF_LOOK - LARGEST_GAIN)
    bend, shares = has_look * (LARGEST_BEND / 255) * bend, [has_look * LARGEST_SHARE * share for share in shares]
    # A channel at a time: broadcasting over the last of five dimensions takes twice as long.
    channels = [_bent(channel, bend) * sign for channel in tf.unstack(frames, axis=-1)]
    changed = []
    for own, (gain, offset) in enumerate(zip(gains, offsets, strict=True)):
        parts = [channels[own] * (1 + largest_gain * gain)]
        parts += [channels[(own + other) % 3] * shares[2 * own + other - 1] for other in (1, 2)]
        # TensorFlow reorders a chain of sums as shapes and devices suggest, and so its last bit, but not this op.
        changed.append(tf.add_n(parts) + (MIDDLE + LARGEST_OFFSET * offset))
    return tf.stack(changed, axis=-1)


def _bent(channel: tf.Tensor, bend: tf.Tensor) -> tf.Tensor:
    """A channel with another curve of tones, less the middle of their range; black and white stay.

    In t, tones less the middle m, the curve is t + bend * (m² - t²): a chain of products would be reordered, too.
    """
    tones = tf.clip_by_value(channel, 0.0, 255.0) - MIDDLE
    return tones + bend * (MIDDLE**2 - tf.square(tones))
