import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.store.frame_numbers import DIGESTS_IN_MEMORY, FrameNumbers, Videos

STARTS_AND_STRIDES = st.tuples(st.integers(0, 30), st.integers(0, 4))
WINDOWS = STARTS_AND_STRIDES.map(lambda window: [window[0] + window[1] * slot for slot in range(10)])
SCENES = st.lists(st.one_of(WINDOWS, st.lists(st.integers(0, 70), min_size=10, max_size=10)), min_size=1, max_size=12)


def pictures(scenes):
    """Frames (S, 10, 64, 64, 3) that show these scenes (S, 10); different scenes differ in the last byte alone."""
    frames = np.zeros((*np.shape(scenes), 64, 64, 3), np.uint8)
    frames[..., -1, -1, -1] = scenes
    return frames


def number_in_blocks(frames, sequences_per_block, **limits):
    """All numbers, and the frames that were reported as new, in order; their digests are checked."""
    numbers, new = [], []
    with FrameNumbers(**limits) as frame_numbers:
        for start in range(0, len(frames), sequences_per_block):
            block = frames[start : start + sequences_per_block]
            numbered = frame_numbers.number(block)
            numbers.append(numbered.numbers)
            new.append(block.reshape(-1, 64, 64, 3)[numbered.new_slots])
            assert numbered.new_digests == [hashlib.sha256(frame.tobytes()).digest()[:16] for frame in new[-1]]
        assert len(frame_numbers) == sum(len(block) for block in new)
    return np.concatenate(numbers), np.concatenate(new)


def videos_of(numbers, sequences_per_block=3):
    """The videos that Videos finds, joined block by block."""
    numbers, videos = np.array(numbers, np.int32), Videos()
    for start in range(0, len(numbers), sequences_per_block):
        videos.join(numbers[start : start + sequences_per_block])
    result = videos.videos(numbers)
    assert videos.count == len(set(result.tolist()))
    return result.tolist()


def videos_by_spreading(numbers):
    """The same by brute force: each sequence spreads its video to all sequences that share a frame with it."""
    sets = [set(sequence) for sequence in numbers]
    result = [None] * len(sets)
    for start in range(len(sets)):
        spreading = [start] if result[start] is None else []
        video = len(set(result) - {None})
        while spreading:
            current = spreading.pop()
            result[current] = video
            spreading += [i for i in range(len(sets)) if result[i] is None and sets[i] & sets[current]]
    return result


@settings(max_examples=60, deadline=None)
@given(SCENES, st.integers(1, 13))
def test_numbers_equal_those_of_a_dictionary(scenes, sequences_per_block):
    first_seen = {}
    expected = [[first_seen.setdefault(scene, len(first_seen)) for scene in sequence] for sequence in scenes]
    frames = pictures(scenes)
    numbers, new = number_in_blocks(frames, sequences_per_block)
    assert numbers.dtype == np.int32
    assert numbers.tolist() == expected
    assert (new[numbers] == frames).all()


@pytest.mark.parametrize("digests_in_memory", [1, 7, 40])
def test_numbers_are_the_same_if_digests_are_on_disk(digests_in_memory):
    scenes = np.random.default_rng(0).integers(0, 60, (50, 10))
    expected, _ = number_in_blocks(pictures(scenes), 8)
    numbers, new = number_in_blocks(pictures(scenes), 8, digests_in_memory=digests_in_memory, cache_kibibytes=4)
    assert numbers.tolist() == expected.tolist()
    assert (new[numbers] == pictures(scenes)).all()


def test_numbers_of_many_frames_equal_those_of_a_dictionary():
    # More than fit into memory, so that many are found in the database.
    frames = np.random.default_rng(0).integers(0, 80_000, 160_000, dtype=np.uint64)[:, np.newaxis]
    first_seen = {}
    with FrameNumbers() as frame_numbers:
        for frame in frames:
            number, _ = frame_numbers.number_one(frame)
            assert number == first_seen.setdefault(int(frame[0]), len(first_seen))
        assert len(frame_numbers) == len(first_seen) > 2 * DIGESTS_IN_MEMORY


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process from /proc")
def test_memory_does_not_grow_with_the_frames():
    script = """
import numpy as np
from pipeline.store.frame_numbers import FrameNumbers

def kilobytes():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))

frame_numbers, frame, before = FrameNumbers(), np.zeros(1, np.uint64), kilobytes()
for frame[0] in range(200_000):
    frame_numbers.number_one(frame)
print(kilobytes() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # A dictionary of digests takes 25 MB.
    assert int(done.stdout) < 16_000


@pytest.mark.promise("A full disk ends a command with one error line, and files that were complete stay complete")
def test_digests_that_cannot_be_written_raise_oserror(limited_file_size):
    frames = np.arange(20_000, dtype=np.uint64)[:, np.newaxis]
    few = {"digests_in_memory": 64, "cache_kibibytes": 4}
    with FrameNumbers(**few) as frame_numbers, limited_file_size(8192), pytest.raises(OSError):
        for frame in frames:
            frame_numbers.number_one(frame)


def test_a_difference_in_any_byte_makes_another_frame():
    frames = np.zeros((3, 10, 64, 64, 3), np.uint8)
    frames[1, 3, 0, 0, 0] = 1
    frames[2, 4, 31, 17, 1] = 1
    numbers, _ = number_in_blocks(frames, 3)
    assert numbers.tolist() == [[0] * 10, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 2, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("distance", [1, 2, 3])
@pytest.mark.parametrize("slot", range(10))
def test_a_sequence_that_continues_another_except_for_one_frame(distance, slot):
    scenes = np.array([[20 * (start % distance) + start + slot for slot in range(10)] for start in range(distance + 1)])
    scenes[-1] = [*scenes[0, 1:], 200]
    scenes[-1, slot] = 201
    numbers, new = number_in_blocks(pictures(scenes), 10)
    assert (new[numbers][..., -1, -1, -1] == scenes).all()


def test_sequences_that_share_frames_through_others_are_one_video():
    alone, left, right = range(100, 110), range(0, 10), range(20, 30)
    bridge = [9, 10, 11, 12, 13, 14, 15, 16, 17, 20]
    assert videos_of([left, right, alone]) == [0, 1, 2]
    assert videos_of([left, right, alone, bridge]) == [0, 0, 1, 0]
    assert videos_of([right, alone, left, bridge], 1) == [0, 1, 0, 0]


@settings(max_examples=200, deadline=None)
@given(SCENES, st.integers(1, 5))
def test_videos_equal_those_by_brute_force(numbers, sequences_per_block):
    assert videos_of(numbers, sequences_per_block) == videos_by_spreading(numbers)


def test_a_long_chain_of_joins_is_followed():
    backwards = [[start + slot for slot in range(10)] for start in range(9000, -1, -9)]
    assert videos_of(backwards, 64) == [0] * len(backwards)
