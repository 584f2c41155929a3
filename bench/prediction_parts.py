"""Compares what a model's prediction is the average of: the positions of its head, and its CNN's points.

The model is one that train.py exported with the pyramid network. Both sides of the frames are shown to each member, as
in a model of --augment. The errors are those on every EACH-th sequence of the data.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from model.layers import convolution  # noqa: E402
from model.network import training_positions  # noqa: E402
from pipeline.joints import JOINT_NAMES, MIRRORED_JOINTS  # noqa: E402
from pipeline.store.reader import SequenceStore  # noqa: E402
from pipeline.tensorflow_v1 import tf  # noqa: E402

SEQUENCES_PER_RUN = 16


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", metavar="MODEL_DIR")
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--each", type=int, default=7, help="score every so many sequences (default: %(default)s)")
    arguments = parser.parse_args()
    with SequenceStore(arguments.data) as store:
        indices = np.arange(0, len(store), arguments.each)
        parts, labels = predictions(tf.train.latest_checkpoint(arguments.model), store, indices)
    print(f"{'px':24}" + "".join(f"{name:>15}" for name in ("all joints", *JOINT_NAMES)))
    for what, positions in averages(*parts).items():
        errors = np.linalg.norm(positions - labels, axis=-1)
        row = [errors.mean(), *errors.mean(axis=(0, 1))]
        print(f"{what:24}" + "".join(f"{error:15.3f}" for error in row), flush=True)


def predictions(checkpoint, store, indices):
    """What heads and points say: two arrays (members, sides, N, 10, 7, 2), and the labels, (N, 10, 7, 2)."""
    reader = tf.train.load_checkpoint(checkpoint)
    names = reader.get_variable_to_shape_map()
    members = sum(name.endswith("head/bias") for name in names)
    num_units = names["member_1/head/weights"][0]
    frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3])
    both = tf.concat([frames, tf.reverse(frames, axis=[3])], axis=0)
    outputs = training_positions(both, "pyramid", num_units, members, np.zeros((7, 2), np.float32), convolution)
    fetches = [[output.positions for output in outputs], [output.points for output in outputs]]
    with tf.Session() as session:
        tf.train.Saver().restore(session, checkpoint)
        said, labels = [], []
        for start in range(0, len(indices), SEQUENCES_PER_RUN):
            seen, truth = store.read_sequences(indices[start : start + SEQUENCES_PER_RUN])
            values = np.array(session.run(fetches, {frames: seen}))
            said.append(values.reshape(2, members, 2, len(seen), 10, 7, 2))
            labels.append(truth)
    said = np.concatenate(said, axis=3)
    said[:, :, 1] = said[:, :, 1][..., MIRRORED_JOINTS, :] * (-1, 1) + (64, 0)
    return said, np.concatenate(labels)


def averages(heads, points):
    """The predictions to compare, (N, 10, 7, 2) each, by what they are."""
    rows = {}
    for number, of_member in enumerate((slice(None), *range(len(heads)))):
        who = "all members" if number == 0 else f"member {number}"
        for what, said in (("heads", heads), ("points", points), ("average", (heads + points) / 2)):
            rows[f"{who}, {what}"] = said[of_member].reshape(-1, *said.shape[2:]).mean(axis=0)
    return rows


if __name__ == "__main__":
    main()
