import numpy as np
import pytest

from pipeline.store.frame_sharing import count_sharing_frames
from pipeline.store.reader import SequenceStore


def count_by_brute_force(training_frames, validation_frames):
    """The number of validation sequences with a frame that training has too. Both: (N, 10, 64, 64, 3)."""
    trained_on = {frame.tobytes() for sequence in training_frames for frame in sequence}
    return sum(any(frame.tobytes() in trained_on for frame in sequence) for sequence in validation_frames)


@pytest.mark.parametrize("kind", ["neighbours", "far apart", "one video"])
def test_counts_within_one_file_as_by_brute_force(kind, people):
    halves = {
        "neighbours": (np.arange(0, 80), np.arange(80, 132)),
        "far apart": (np.arange(0, 132, 45), np.arange(5, 132, 10)),
        "one video": (np.arange(0, 3), np.arange(3, 15)),
    }
    training, validation = halves[kind]
    expected = count_by_brute_force(people.frames[training], people.frames[validation])
    assert 0 < expected < len(validation)
    with SequenceStore(people.path) as store:
        assert count_sharing_frames(store, training, store, validation) == expected


def test_different_videos_share_none(people):
    with SequenceStore(people.path) as store:
        training, validation = np.flatnonzero(store.videos < 4), np.flatnonzero(store.videos >= 4)
        assert count_sharing_frames(store, training, store, validation) == 0


@pytest.fixture
def other_file(made_data, write_data_set, tmp_path):
    """A file of 300 random frames, of which five are equal to frames of the made data and one differs by one bit.

    Returns its path, and the frames of its 200 sequences.
    """
    random = np.random.default_rng(3)
    frames = random.integers(0, 256, (300, 64, 64, 3), dtype=np.uint8)
    frames[[0, 100, 255, 256, 299]] = made_data.frames[[99, 0, 50, 51, 52]]
    frames[1] = made_data.frames[1]
    frames[1, 63, 63, 2] ^= 1
    sequences = random.integers(0, 300, (200, 10), dtype=np.int32)
    labels, videos = np.zeros((200, 10, 7, 2), np.float32), np.zeros(200, np.int32)
    return write_data_set(tmp_path / "other.h5", frames, sequences, labels, videos), frames[sequences]


@pytest.mark.parametrize("number", [1, 30, 600])
def test_counts_across_two_files_as_by_brute_force(number, made_data, other_file):
    path, validation_frames = other_file
    training = np.arange(number)
    with SequenceStore(made_data.path) as store, SequenceStore(path) as other:
        counted = count_sharing_frames(store, training, other, np.arange(200))
    assert counted == count_by_brute_force(made_data.frames[made_data.sequences[training]], validation_frames)
    assert number == 1 or counted > 0


def test_a_copy_of_the_file_shares_as_much_as_the_file_itself(people, tmp_path, monkeypatch):
    (tmp_path / "copy.h5").write_bytes(people.path.read_bytes())
    training, validation = np.arange(0, 80), np.arange(80, 132)
    with SequenceStore(people.path) as store, SequenceStore(tmp_path / "copy.h5") as copy:
        within = count_sharing_frames(store, training, store, validation)
        # Digests are in the files, so no frame is read.
        monkeypatch.setattr(SequenceStore, "read_frames", None)
        assert count_sharing_frames(store, training, copy, validation) == within > 0
