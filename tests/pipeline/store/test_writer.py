import hashlib

import h5py
import numpy as np
import pytest

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import SequenceShape
from pipeline.store.writer import FRAMES_PER_WRITE, StoredCounts, StoreWriter
from tests.pipeline.sources.pickles import made_arrays

SOURCE = ("Источник.pkl", 1234, "ab" * 32)


def write(path, frames, labels, sequences_per_block=64):
    with StoreWriter(path) as writer:
        for start in range(0, len(frames), sequences_per_block):
            writer.add_frames(frames[start : start + sequences_per_block])
        for start in range(0, len(labels), sequences_per_block):
            writer.add_labels(labels[start : start + sequences_per_block])
        return writer.finish(*SOURCE)


@pytest.fixture(scope="module")
def data():
    frames, labels = made_arrays(130)
    return frames, labels


@pytest.mark.parametrize("sequences_per_block", [1, 7, 64, 130])
def test_blocks_of_any_size_give_back_the_data(data, sequences_per_block, tmp_path):
    frames, labels = data
    counts = write(tmp_path / "data.h5", frames, labels, sequences_per_block)
    assert counts == StoredCounts(130, 139, 1) and counts.frames > FRAMES_PER_WRITE
    with h5py.File(tmp_path / "data.h5") as file:
        assert file["frames"].shape == (139, 64, 64, 3)
        assert (file["frames"][:][file["sequences"][:]] == frames).all()
        assert (file["labels"][:] == labels).all()


def test_frames_are_in_order_of_first_appearance_and_videos_are_numbered(tmp_path):
    frames, labels = made_arrays(30)
    index = [20, 0, 21, 9, 20]
    counts = write(tmp_path / "data.h5", frames[index], labels[index])
    with h5py.File(tmp_path / "data.h5") as file:
        sequences = file["sequences"][:]
        assert sequences[0].tolist() == list(range(10))
        assert sequences[1].tolist() == list(range(10, 20))
        assert sequences[2].tolist() == [*range(1, 10), 20]
        assert sequences[3].tolist() == [19, *range(21, 30)]
        assert sequences[4].tolist() == sequences[0].tolist()
        assert file["videos"][:].tolist() == [0, 1, 0, 1, 0]
    assert counts == StoredCounts(5, 30, 2)


def test_layout_and_attributes(data, tmp_path):
    write(tmp_path / "data.h5", *data)
    with h5py.File(tmp_path / "data.h5") as file:
        layout = {name: (item.dtype, item.chunks, item.fletcher32, item.compression) for name, item in file.items()}
        assert layout == {
            "frames": (np.uint8, (16, 64, 64, 3), False, None),
            "checksums": (np.uint64, (1024,), True, None),
            "digests": (np.uint8, (1024, 16), True, None),
            "sequences": (np.int32, (1024, 10), True, None),
            "labels": (np.float32, (16, 10, 7, 2), True, None),
            "label_sums": (np.float64, (16, 7, 2), True, None),
            "videos": (np.int32, (1024,), True, None),
        }
        names = {"format", "format_version", "source_name", "source_size", "source_sha256", "joints"}
        assert set(file.attrs) == names
        assert (file.attrs["format"], file.attrs["format_version"]) == (b"pose sequences", 3)
        texts = [file.attrs[name].decode() for name in ("source_name", "source_sha256")]
        assert (texts[0], file.attrs["source_size"], texts[1]) == SOURCE
        assert tuple(joint.decode() for joint in file.attrs["joints"]) == JOINT_NAMES


def test_digests_and_sums_equal_those_of_hashlib_and_numpy(tmp_path):
    frames, labels = made_arrays(30)
    index = [20, 0, 21, 9, 20]
    write(tmp_path / "data.h5", frames[index], labels[index])
    with h5py.File(tmp_path / "data.h5") as file:
        digests = [hashlib.sha256(frame.tobytes()).digest()[:16] for frame in file["frames"]]
        assert [row.tobytes() for row in file["digests"]] == digests
        sums = [labels[numbers].sum(axis=(0, 1), dtype=np.float64) for numbers in ([20, 21, 20], [0, 9])]
        np.testing.assert_allclose(file["label_sums"], sums, rtol=1e-12)


def test_frames_that_are_not_contiguous(tmp_path):
    frames, labels = made_arrays(6)
    frames, labels = frames[::2, :, ::-1, ::-1, ::-1], labels[::2]
    counts = write(tmp_path / "data.h5", frames, labels)
    with h5py.File(tmp_path / "data.h5") as file:
        assert (file["frames"][:][file["sequences"][:]] == frames).all()
    assert counts.frames == 14


def test_frames_and_sequences_of_named_videos(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (30, 24, 40, 3), dtype=np.uint8)
    pictures[25] = pictures[3]
    sequences = np.arange(30, dtype=np.int32).reshape(10, 3)
    videos = np.array([0] * 4 + [1] * 6, np.int32)
    labels = np.random.default_rng(1).uniform(0, 40, (10, 3, 7, 2)).astype(np.float32)
    with StoreWriter(tmp_path / "data.h5", SequenceShape(3, 24, 40)) as writer:
        numbers = np.array([writer.add_frame(picture) for picture in pictures], np.int32)
        for part in (slice(0, 7), slice(7, 10)):
            writer.add_sequences(numbers[sequences[part]], videos[part])
            writer.add_labels(labels[part])
        counts = writer.finish(*SOURCE)
    assert counts == StoredCounts(10, 29, 2) and numbers[25] == numbers[3]
    with h5py.File(tmp_path / "data.h5") as file:
        assert file["frames"].shape == (29, 24, 40, 3)
        assert (file["frames"][:][file["sequences"][:]] == pictures[sequences]).all()
        assert (file["labels"][:] == labels).all()
        # Both share a frame, so they would be one video if the source did not name the videos.
        assert file["videos"][:].tolist() == videos.tolist()


def test_refuses_blocks_of_another_shape_or_dtype(tmp_path):
    frames, labels = made_arrays(1)
    with StoreWriter(tmp_path / "data.h5") as writer:
        for wrong in (frames.view(np.int8), frames[0], frames[:, :9]):
            with pytest.raises(ValueError):
                writer.add_frames(wrong)
        for wrong in (labels.astype(np.float64), labels[0], labels[..., 0]):
            with pytest.raises(ValueError):
                writer.add_labels(wrong)
        for wrong in (frames[0], frames[0, 0, :32], frames[0, 0].view(np.int8)):
            with pytest.raises(ValueError):
                writer.add_frame(wrong)
        for wrong in (np.zeros((1, 9), np.int32), np.zeros((1, 10), np.int64)):
            with pytest.raises(ValueError):
                writer.add_sequences(wrong, np.zeros(1, np.int32))


@pytest.mark.parametrize("frames, labels", [(0, 0), (2, 1), (1, 2)])
def test_refuses_to_finish_with_unequal_numbers_of_frames_and_labels(frames, labels, tmp_path):
    with pytest.raises(ValueError, match=f"{frames} sequences of frames and {labels} of labels"):
        write(tmp_path / "data.h5", made_arrays(2)[0][:frames], made_arrays(2)[1][:labels])


def test_names_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        StoreWriter(tmp_path / "nowhere" / "data.h5")
