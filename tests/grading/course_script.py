"""A script as a course's staff writes it: restores each model and computes its pixel error with NumPy alone.

Usage: python course_script.py data.npz results.json FOLDER...

data.npz has frames, uint8 (N, 10, 64, 64, 3), and labels, float32 (N, 10, 7, 2). results.json gets a list with, for
each folder, the mean pixel error, or the message of the exception.
"""

import json
import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf  # noqa: TID251

BATCH_SIZE = 10

tf.disable_v2_behavior()


def mean_pixel_error(folder, frames, labels):
    os.chdir(folder)
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph("my_model.meta")
        saver.restore(session, tf.train.latest_checkpoint("./"))
        input_frames, joint_pos = tf.get_collection("validation_nodes")
        predictions = [
            session.run(joint_pos, {input_frames: frames[start : start + BATCH_SIZE]})
            for start in range(0, len(frames), BATCH_SIZE)
        ]
    predictions = np.concatenate(predictions)
    assert predictions.shape == labels.shape, f"shape {predictions.shape}"
    error = np.mean(np.sqrt(np.sum((predictions - labels) ** 2, axis=-1)))
    assert np.isfinite(error), "NaN"
    return float(error)


def main():
    data, results, *folders = sys.argv[1:]
    arrays = np.load(data)
    frames, labels, errors = arrays["frames"], arrays["labels"].astype(np.float64), []
    for folder in folders:
        try:
            errors.append(mean_pixel_error(folder, frames, labels))
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}"[:300])
    with open(results, "w") as file:
        json.dump(errors, file)


if __name__ == "__main__":
    main()
