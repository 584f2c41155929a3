"""Compares evaluating a model of this project in blocks with running the session on all ten frames of every sequence.

Both run in one process and alternate. Prints the largest difference between the positions, the rates, and their ratio.
"""

import argparse
import time
from statistics import median

import numpy as np

from evaluation.blocks import evaluation_blocks
from model.export.saved_model import loaded_model
from pipeline.store.reader import SequenceStore

SEQUENCES_PER_RUN = 16


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", metavar="MODEL_DIR")
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--runs", type=int, default=5, help="runs of each way (default: %(default)s)")
    arguments = parser.parse_args()
    times = {"by blocks": [], "every sequence, one per run": [], f"every sequence, {SEQUENCES_PER_RUN} per run": []}
    with SequenceStore(arguments.data) as store, loaded_model(arguments.model) as predictor:
        for _ in range(arguments.runs):
            results = []
            for way, batch_size in zip(times, (None, 1, SEQUENCES_PER_RUN), strict=True):
                began = time.perf_counter()
                results.append(
                    by_blocks(predictor, store) if batch_size is None else plainly(predictor, store, batch_size)
                )
                times[way].append(time.perf_counter() - began)
    print(f"largest difference  {max(np.abs(results[0] - result).max() for result in results[1:]):.1e} px")
    fastest = median(times["by blocks"])
    for way, seconds in times.items():
        rate, times_as_fast = len(results[0]) / median(seconds), median(seconds) / fastest
        print(f"{way:27}  {rate:8.0f} sequences/s   by blocks is {times_as_fast:.1f} times as fast")


def by_blocks(predictor, store):
    positions = np.empty((len(store), 10, 7, 2), np.float32)
    for block in evaluation_blocks(store, np.arange(len(store))):
        positions[block.indices] = predictor.predict_block(block.frames, block.rows)
    return positions


def plainly(predictor, store, batch_size):
    starts = range(0, len(store), batch_size)
    batches = (np.arange(start, min(start + batch_size, len(store))) for start in starts)
    return np.concatenate([predictor.predict(store.read_frames(store.read_frame_numbers(batch))) for batch in batches])


if __name__ == "__main__":
    main()
