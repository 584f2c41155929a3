"""Compares evaluating a model of this project in blocks with running the session on all ten frames of every sequence.

All ways run in one process and alternate. Prints the largest difference between the positions, the rates, and their
ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from evaluation.evaluation_blocks import evaluation_blocks
from model.export.saved_model import loaded_model
from model.predictor import Predictor
from pipeline.store.reader import SequenceStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", metavar="MODEL_DIR")
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--runs", type=int, default=5, help="runs of each way (default: %(default)s)")
    arguments = parser.parse_args()
    ways: dict[str, Callable[[Predictor, SequenceStore], np.ndarray]] = {
        "by blocks": predict_by_blocks,
        "every sequence, one per run": partial(predict_in_batches, batch_size=1),
        "every sequence, 16 per run": partial(predict_in_batches, batch_size=16),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    with SequenceStore(arguments.data) as store, loaded_model(arguments.model) as predictor:
        for _ in range(arguments.runs):
            results = []
            for way, predict in ways.items():
                began = time.perf_counter()
                results.append(predict(predictor, store))
                times[way].append(time.perf_counter() - began)
    print(f"largest difference  {max(np.abs(results[0] - result).max() for result in results[1:]):.1e} px")
    fastest = median(times["by blocks"])
    for way, seconds in times.items():
        rate, times_as_fast = len(results[0]) / median(seconds), median(seconds) / fastest
        print(f"{way:27}  {rate:8.0f} sequences/s   by blocks is {times_as_fast:.1f} times as fast")


def predict_by_blocks(predictor: Predictor, store: SequenceStore) -> np.ndarray:
    """Positions of all sequences, float32 (N, 10, 7, 2)."""
    positions = np.empty((len(store), 10, 7, 2), np.float32)
    for block in evaluation_blocks(store, np.arange(len(store))):
        positions[block.indices] = predictor.predict_block(block.frames, block.rows)
    return positions


def predict_in_batches(predictor: Predictor, store: SequenceStore, batch_size: int) -> np.ndarray:
    """The same, with `batch_size` sequences at a time and without sharing frames."""
    batches = np.split(np.arange(len(store)), range(batch_size, len(store), batch_size))
    return np.concatenate([predictor.predict(store.read_frames(store.read_frame_numbers(batch))) for batch in batches])


if __name__ == "__main__":
    main()
