"""The baseline: the assignment's recipe as its text describes it.

The whole pickle is in memory as float32 and fed by feed_dict in batches of 5. Three convolutions with pools, a fully
connected layer of 128, an LSTM of 64, the head as a loop over time, Adam at 1e-3. One thing is added: the head's bias
starts at the mean pose, since it takes a minute to get there from zero.

Prints a `step` line for each evaluation on the withheld pickle, and writes the columns of train.py's history to
--history. With --scores it evaluates once, at the end, and writes the summary of the pixel errors.
"""

from __future__ import annotations

import argparse
import json
import pickle
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.pixel_errors import PixelErrors
from pipeline.tensorflow_v1 import tf
from run.history import append_to_history, start_history
from run.schedule import next_evaluation

BATCH_SIZE = 5
NUM_FEATURES = 128
NUM_UNITS = 64
LEARNING_RATE = 1e-3
EVALUATIONS = 30


@dataclass(frozen=True)
class Recipe:
    """The nodes of the graph."""

    frames: tf.Tensor  # placeholder, float32 (B, 10, 64, 64, 3), normalized
    labels: tf.Tensor  # placeholder, float32 (B, 10, 7, 2), pixels
    positions: tf.Tensor  # float32 (B, 10, 7, 2), pixels
    loss: tf.Tensor  # float32 scalar, px²
    train_step: tf.Operation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", metavar="TRAINING.pkl")
    parser.add_argument("validation", metavar="WITHHELD.pkl")
    parser.add_argument("--time-limit", type=float, default=150, help="seconds of training (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--scores", metavar="SCORES.json", help="evaluate only at the end, and write the errors by joint here"
    )
    parser.add_argument("--history", default="history.csv", help="CSV file to write (default: %(default)s)")
    arguments = parser.parse_args()
    frames, labels = load(arguments.training)
    validation = load(arguments.validation)
    tf.set_random_seed(arguments.seed)
    recipe = build(labels.mean(axis=(0, 1)).ravel())
    train(recipe, frames, labels, validation, arguments)


def load(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Normalized frames, float32 (N, 10, 64, 64, 3), and labels, float32 (N, 10, 7, 2), of a trusted pickle."""
    with open(path, "rb") as file:
        frames, labels = pickle.load(file)
    frames = frames.view(np.uint8).astype(np.float32)
    frames -= frames.mean(axis=(2, 3, 4), keepdims=True)
    for sequence in frames:
        sequence /= sequence.std(axis=(1, 2, 3), keepdims=True) + 1e-8
    return frames, labels.astype(np.float32)


def build(mean_pose: np.ndarray) -> Recipe:
    """Adds the recipe to the default graph. mean_pose: float32 (14,), pixels."""
    frames = tf.placeholder(tf.float32, [None, 10, 64, 64, 3])
    labels = tf.placeholder(tf.float32, [None, 10, 7, 2])
    values = tf.reshape(frames, [-1, 64, 64, 3])
    for number, (filters, size) in enumerate(((32, 5), (32, 5), (64, 3))):
        weights = tf.get_variable(f"weights_{number}", [size, size, values.shape[3].value, filters])
        bias = tf.get_variable(f"bias_{number}", [filters], initializer=tf.zeros_initializer())
        values = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(values, weights, 1, "SAME"), bias))
        values = tf.nn.max_pool2d(values, 2, 2, "VALID")
    weights = tf.get_variable("weights_connected", [8 * 8 * 64, NUM_FEATURES])
    bias = tf.get_variable("bias_connected", [NUM_FEATURES], initializer=tf.zeros_initializer())
    features = tf.nn.relu(tf.matmul(tf.reshape(values, [-1, 8 * 8 * 64]), weights) + bias)
    sequences = tf.reshape(features, [-1, 10, NUM_FEATURES])
    hidden_states, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(NUM_UNITS), sequences, dtype=tf.float32)
    head = tf.get_variable("head", [NUM_UNITS, 14])
    head_bias = tf.get_variable("head_bias", initializer=mean_pose)
    outputs = [tf.matmul(hidden_states[:, step], head) + head_bias for step in range(10)]
    positions = tf.reshape(tf.stack(outputs, axis=1), [-1, 10, 7, 2])
    loss = tf.reduce_mean(tf.squared_difference(positions, labels))
    return Recipe(frames, labels, positions, loss, tf.train.AdamOptimizer(LEARNING_RATE).minimize(loss))


def train(
    recipe: Recipe,
    frames: np.ndarray,
    labels: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    arguments: argparse.Namespace,
) -> None:
    random, time_limit = np.random.default_rng(arguments.seed), arguments.time_limit
    start_history(arguments.history)
    step, seconds, losses = 0, 0.0, []
    evaluate_at = 1.0 if arguments.scores else next_evaluation(0.0, EVALUATIONS)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        while seconds < time_limit:
            began = time.perf_counter()
            chosen = random.choice(len(frames), BATCH_SIZE, replace=False)
            batch = {recipe.frames: frames[chosen], recipe.labels: labels[chosen]}
            losses.append(session.run([recipe.loss, recipe.train_step], batch)[0])
            seconds += time.perf_counter() - began
            step += 1
            if min(1.0, seconds / time_limit) >= evaluate_at:
                errors = validate(session, recipe, *validation)
                row = {
                    "step": step,
                    "epoch": step * BATCH_SIZE // len(frames),
                    "seconds": seconds,
                    "train_loss": float(np.mean(losses)),
                    "validation_loss": errors.mean_squared_error,
                    "validation_pixel_error": errors.mean_pixel_error,
                }
                append_to_history(arguments.history, row)
                error = f"validation pixel error {errors.mean_pixel_error:.3f} px"
                print(f"step {step}  {seconds:.1f} s  {error}", flush=True)
                evaluate_at, losses = next_evaluation(seconds / time_limit, EVALUATIONS), []
    if arguments.scores:
        Path(arguments.scores).write_text(json.dumps(errors.summary()))


def validate(session: tf.Session, recipe: Recipe, frames: np.ndarray, labels: np.ndarray) -> PixelErrors:
    errors = PixelErrors()
    for i in range(0, len(frames), 20):
        errors.add(session.run(recipe.positions, {recipe.frames: frames[i : i + 20]}), labels[i : i + 20])
    return errors


if __name__ == "__main__":
    main()
