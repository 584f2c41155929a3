"""Measures the index by which a conversion finds equal frames: time and memory for many different frames.

The frames are made: each is its number, in eight bytes, so that next to nothing is spent on their digests. All are new
the first time; then some that were seen are looked for, in random order, which is what costs most.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.store.frame_numbers import FrameNumbers, Videos  # noqa: E402
from support.argument_parser import ArgumentParser, value_type  # noqa: E402
from support.user_error import reported_user_errors  # noqa: E402

FRAMES_PER_STEP = 10_000
FRAMES_OF_SEQUENCE = 10


def main() -> None:
    with reported_user_errors():
        frames = parse_arguments().frames
        before = peak_mebibytes()
        with FrameNumbers() as numbers:
            seconds = number_all(numbers, frames)
            print(f"{frames} new frames    {seconds:.1f} s, {1e6 * seconds / frames:.1f} µs each")
            sought = np.random.default_rng(0).integers(0, frames, min(frames, 1_000_000))
            seconds = find(numbers, sought)
            print(f"{len(sought)} seen frames   {seconds:.1f} s, {1e6 * seconds / len(sought):.1f} µs each")
            print(f"memory            {peak_mebibytes() - before:.0f} MiB over the start")
        seconds = join_all(frames)
        print(f"joined to videos  {seconds:.1f} s, {1e6 * seconds / frames:.1f} µs each")
        print(f"memory, with it   {peak_mebibytes() - before:.0f} MiB over the start")


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(description=__doc__, epilog="example: python bench/frame_index.py 1000000")
    parser.add_argument("frames", metavar="FRAMES", type=number, nargs="?", default=10_000_000)
    return parser.parse_args()


@value_type("whole number of at least 10")
def number(text: str) -> int:
    """The type of an option that is a number of frames."""
    if int(text) < FRAMES_OF_SEQUENCE:
        raise ValueError(text)
    return int(text)


def number_all(numbers: FrameNumbers, frames: int) -> float:
    """Numbers so many new frames; returns the seconds that it took."""
    began = time.perf_counter()
    for start in tqdm(range(0, frames, FRAMES_PER_STEP), unit_scale=FRAMES_PER_STEP, leave=False, disable=None):
        for frame in np.arange(start, min(start + FRAMES_PER_STEP, frames)).reshape(-1, 1):
            numbers.number_one(frame)
    return time.perf_counter() - began


def find(numbers: FrameNumbers, sought: np.ndarray) -> float:
    """Looks for frames that were numbered; returns the seconds that it took. sought: int (K,)."""
    began = time.perf_counter()
    for frame in tqdm(sought.reshape(-1, 1), leave=False, disable=None):
        if numbers.number_one(frame)[0] != frame[0]:
            sys.exit(f"error: frame {frame[0]} was not found; this is a fault of the index")
    return time.perf_counter() - began


def join_all(frames: int) -> float:
    """Joins all frames to one video, ten neighbours at a time; returns the seconds that it took."""
    videos = Videos()
    began = time.perf_counter()
    starts = np.arange(0, frames - FRAMES_OF_SEQUENCE + 1, FRAMES_OF_SEQUENCE - 1)
    for start in tqdm(range(0, len(starts), FRAMES_PER_STEP), leave=False, disable=None):
        block = starts[start : start + FRAMES_PER_STEP]
        videos.join((block[:, np.newaxis] + np.arange(FRAMES_OF_SEQUENCE)).astype(np.int32))
    return time.perf_counter() - began


def peak_mebibytes() -> float:
    """The most memory that this process has used so far, on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
