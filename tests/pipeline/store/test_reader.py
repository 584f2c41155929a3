import os
import shutil
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.reader import SequenceStore
from support.user_error import UserError
from tests.conftest import checksums_of, write_arrays


@pytest.fixture
def arrays(made_data):
    """Copies of the made data's four arrays, by name."""
    return {name: getattr(made_data, name).copy() for name in ("frames", "sequences", "labels", "videos")}


def rows_in_every_way(number):
    """Row numbers in a data set of `number` rows, by the case that they test."""
    random = np.random.default_rng(0)
    last = number - 1
    return {
        "first": [0],
        "last": [last],
        "both ends": [0, last],
        "ends backwards": [last, 0],
        "first one repeated": [0, 0, 0],
        "adjacent": [3, 4, 5, 6],
        "adjacent backwards": [6, 5, 4, 3],
        "gaps of every small size": np.cumsum(np.arange(1, 12)),
        "repeated and out of order": [7, 2, 7, 50, 2, 0, 51, 7],
        "all": np.arange(number),
        "shuffled": random.permutation(number),
        "drawn": random.integers(0, number, 300),
        "one number": 5,
        "of two dimensions": random.integers(0, number, (4, 10)),
        "of three dimensions": random.integers(0, number, (2, 3, 4)),
        "none": np.zeros(0, int),
        "none of two dimensions": np.zeros((0, 10), int),
    }


@pytest.fixture(scope="module", params=[1, 2, 3], ids="version {}".format)
def any_version(request, made_data, tmp_path_factory):
    """The path of a file of the made data in each format version."""
    added = [made_data.digests, made_data.label_sums, checksums_of(made_data.frames)]
    path = tmp_path_factory.mktemp("versions") / "data.h5"
    return write_arrays(path, *made_data.version_1, *added[: {1: 0, 2: 2, 3: 3}[request.param]])


@pytest.mark.parametrize("case", rows_in_every_way(100))
def test_reads_any_frames_in_any_order(case, any_version):
    numbers = rows_in_every_way(100)[case]
    with h5py.File(any_version) as file:
        expected = file["frames"][:][numbers]
    with SequenceStore(any_version) as store:
        frames = store.read_frames(numbers)
    assert (frames.dtype, frames.shape) == (np.uint8, (*np.shape(numbers), 64, 64, 3))
    np.testing.assert_array_equal(frames, expected)


def test_reads_in_small_pieces_where_the_system_has_no_preadv(any_version, made_data, monkeypatch):
    monkeypatch.delattr(os, "preadv", raising=False)
    numbers = rows_in_every_way(100)["shuffled"]
    with SequenceStore(any_version) as store:
        np.testing.assert_array_equal(store.read_frames(numbers), made_data.frames[numbers])
        np.testing.assert_array_equal(store.read_labels(numbers), made_data.labels[numbers])


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="this system has no preadv")
def test_goes_on_where_the_system_reads_less_than_asked_for(any_version, made_data, monkeypatch):
    preadv = os.preadv
    monkeypatch.setattr(os, "preadv", lambda file, buffers, offset: preadv(file, [buffers[0][:5000]], offset))
    numbers = rows_in_every_way(100)["drawn"]
    with SequenceStore(any_version) as store:
        np.testing.assert_array_equal(store.read_frames(numbers), made_data.frames[numbers])


def test_several_threads_read_at_once(any_version, made_data):
    numbers = [np.random.default_rng(seed).permutation(100) for seed in range(40)]
    with SequenceStore(any_version) as store, ThreadPoolExecutor(4) as threads:
        for rows, frames in zip(numbers, threads.map(store.read_frames, numbers), strict=True):
            np.testing.assert_array_equal(frames, made_data.frames[rows])


def test_hdf5_has_no_file_open_once_the_index_is_read(any_version):
    with SequenceStore(any_version) as store, h5py.File(any_version, "r+"):
        assert store.read_frames([3]).shape == (1, 64, 64, 3)


def test_a_file_that_has_become_shorter_is_damaged(any_version, tmp_path):
    shutil.copy(any_version, tmp_path / "data.h5")
    with SequenceStore(tmp_path / "data.h5") as store:
        os.truncate(tmp_path / "data.h5", 5000)
        with pytest.raises(UserError, match="damaged .frames cannot be read"):
            store.read_frames(np.arange(100))


@pytest.mark.parametrize("case", rows_in_every_way(600))
def test_reads_any_labels_in_any_order(case, made_data):
    numbers = rows_in_every_way(600)[case]
    with h5py.File(made_data.path) as file:
        expected = file["labels"][:][numbers]
    with SequenceStore(made_data.path) as store:
        labels = store.read_labels(numbers)
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("indices", [[3, 4, 5], [599, 0, 7, 7, 300], list(range(600))[::-1], []])
def test_reads_any_sequences_frame_numbers_in_any_order(indices, made_data):
    indices = np.array(indices, int)
    with SequenceStore(made_data.path) as store:
        numbers = store.read_frame_numbers(indices)
    assert (numbers.dtype, numbers.shape) == (np.int32, (len(indices), 10))
    np.testing.assert_array_equal(numbers, made_data.sequences[indices])


def test_reads_the_pickle_s_sequences_from_a_converted_file(people):
    indices = np.array([0, 131, 5, 5, 90, 17])
    with SequenceStore(people.path) as store:
        assert len(store) == len(people.frames)
        frames, labels = store.read_sequences(indices)
        everything, all_labels = store.read_sequences(np.arange(len(store)))
    np.testing.assert_array_equal(frames, people.frames[indices])
    np.testing.assert_array_equal(labels, people.labels[indices])
    np.testing.assert_array_equal(everything, people.frames)
    np.testing.assert_array_equal(all_labels, people.labels)
    assert (frames.dtype, labels.dtype) == (np.uint8, np.float32)


def test_the_index_and_the_source_are_attributes(made_data):
    with SequenceStore(made_data.path) as store:
        np.testing.assert_array_equal(store.first_frames, made_data.sequences[:, 0])
        np.testing.assert_array_equal(store.videos, made_data.videos)
        assert store.source_sha256 == "ab" * 32
        assert store.path == str(made_data.path)


def test_sequences_of_another_shape(write_data_set, made_data, tmp_path):
    frames = made_data.frames[:, :24, :40]
    sequences, labels = made_data.sequences[:, :4], made_data.labels[:, :4]
    path = write_data_set(tmp_path / "data.h5", frames, sequences, labels, made_data.videos)
    with SequenceStore(made_data.path) as store:
        assert store.shape == COURSE_SHAPE == (10, 64, 64)
    with SequenceStore(path) as store:
        assert store.shape == SequenceShape(length=4, height=24, width=40)
        read_frames, read_labels = store.read_sequences([599, 3])
    np.testing.assert_array_equal(read_frames, frames[sequences[[599, 3]]])
    np.testing.assert_array_equal(read_labels, labels[[599, 3]])


def test_keeps_eight_bytes_per_sequence_and_chunk_in_memory(write_data_set, made_data, tmp_path):
    sequences = np.tile(made_data.sequences, (140, 1))
    labels, videos = np.tile(made_data.labels, (140, 1, 1, 1)), np.tile(made_data.videos, 140)
    path = write_data_set(tmp_path / "data.h5", made_data.frames, sequences, labels, videos)
    tracemalloc.start()
    try:
        with SequenceStore(path) as store:
            peak_of_opening = tracemalloc.get_traced_memory()[1]
            store.read_frames([0, 99, 50])
            held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    chunks = 3 * len(sequences) // 10  # of sequences, labels and videos; there are few of frames
    index = 8 * len(sequences) + 8 * chunks
    assert held < index + 100_000 < sequences.nbytes / 3
    assert peak_of_opening < index + 1_500_000 < sequences.nbytes


def test_closes_its_file(made_data):
    with SequenceStore(made_data.path) as store:
        pass
    with pytest.raises(UserError, match="frames cannot be read"):
        store.read_frames([0])
    with h5py.File(made_data.path, "r+"):
        pass


# What it refuses


def refusal(path):
    """The message of the UserError that opening the file raises, which names the file; no file is left open."""
    with pytest.raises(UserError) as refused:
        SequenceStore(path)
    message = str(refused.value)
    assert str(path) in message and "\n" not in message
    if os.path.isdir("/proc/self/fd"):
        assert str(path) not in [os.readlink(f"/proc/self/fd/{fd}") for fd in _descriptors()]
    return message


def _descriptors():
    return [fd for fd in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{fd}")]


def test_refuses_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError):
        SequenceStore(tmp_path / "nothing.h5")
    with pytest.raises(IsADirectoryError):
        SequenceStore(tmp_path)


@pytest.mark.parametrize("contents", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n"])
def test_refuses_other_files(contents, tmp_path):
    (tmp_path / "data.h5").write_bytes(contents)
    assert "not a complete HDF5 file" in refusal(tmp_path / "data.h5")


def test_refuses_another_hdf5_file(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["frames"] = np.zeros((3, 64, 64, 3), np.uint8)
    assert "not one that convert_pkl_to_h5.py wrote" in refusal(tmp_path / "data.h5")


def test_refuses_another_version(made_data, arrays, write_data_set, tmp_path):
    path = write_data_set(tmp_path / "data.h5", **arrays)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 4
    assert "format version 4, this program reads versions 1, 2 and 3" in refusal(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["format_version"]
    assert "not one that convert_pkl_to_h5.py wrote" in refusal(path)


@pytest.mark.parametrize("name", ["frames", "sequences", "labels", "videos"])
def test_refuses_a_missing_data_set(name, arrays, write_data_set, tmp_path):
    path = write_data_set(tmp_path / "data.h5", **arrays)
    with h5py.File(path, "r+") as file:
        del file[name]
    assert f"{name} is missing" in refusal(path)
    with h5py.File(path, "r+") as file:
        file.create_group(name)
    assert f"{name} is missing" in refusal(path)


@pytest.mark.parametrize(
    "name, replacement",
    [
        ("frames", np.zeros((100, 64, 64, 3), np.int8)),
        ("frames", np.zeros((100, 64, 64), np.uint8)),
        ("frames", np.zeros((100, 64, 64, 4), np.uint8)),
        ("sequences", np.zeros((600, 10), np.int64)),
        ("sequences", np.zeros((600, 9), np.int32)),
        ("labels", np.zeros((600, 10, 7, 2), np.float64)),
        ("labels", np.zeros((600, 10, 2, 7), np.float32)),
        ("videos", np.zeros(600, np.float32)),
        ("videos", np.zeros((600, 1), np.int32)),
    ],
)
def test_refuses_a_wrong_type_or_shape(name, replacement, arrays, write_data_set, tmp_path):
    message = refusal(write_data_set(tmp_path / "data.h5", **{**arrays, name: replacement}))
    assert f"{name} is {replacement.dtype} {replacement.shape}" in message


@pytest.mark.parametrize("name", ["sequences", "labels", "videos"])
def test_refuses_numbers_of_sequences_that_differ(name, arrays, write_data_set, tmp_path):
    message = refusal(write_data_set(tmp_path / "data.h5", **{**arrays, name: arrays[name][:599]}))
    assert "the numbers of sequences, labels and videos differ" in message


def test_refuses_a_data_set_without_sequences(arrays, tmp_path, write_data_set):
    path = write_data_set(tmp_path / "data.h5", **arrays)
    with h5py.File(path, "r+") as file:
        for name in ("sequences", "labels", "videos"):
            row = file[name].shape[1:]
            del file[name]
            shapes = {"shape": (0, *row), "maxshape": (None, *row), "chunks": (10, *row)}
            file.create_dataset(name, dtype=arrays[name].dtype, fletcher32=True, **shapes)
    assert "differ or are zero" in refusal(path)


@pytest.mark.parametrize("number", [-1, 100, 2**31 - 1])
def test_refuses_a_sequence_of_frames_that_are_not_stored(number, arrays, write_data_set, tmp_path):
    arrays["sequences"][599, 9] = number
    message = refusal(write_data_set(tmp_path / "data.h5", **arrays))
    assert "has a frame outside of the 100 stored ones" in message


def test_refuses_a_negative_video(arrays, write_data_set, tmp_path):
    arrays["videos"][0] = -1
    assert "negative" in refusal(write_data_set(tmp_path / "data.h5", **arrays))


def flip_a_byte(path, row):
    """Changes one bit in the file of a row of an array."""
    contents = bytearray(path.read_bytes())
    contents[contents.index(row.tobytes()) + row.nbytes // 2] ^= 1
    path.write_bytes(contents)


@pytest.mark.parametrize("name, method", [("frames", "read_frames"), ("labels", "read_labels")])
def test_a_flipped_bit_is_detected_when_it_is_read(name, method, arrays, write_data_set, tmp_path):
    path = write_data_set(tmp_path / "data.h5", **arrays)
    flip_a_byte(path, arrays[name][55])
    with SequenceStore(path) as store:
        read = getattr(store, method)
        np.testing.assert_array_equal(read([0, 99]), arrays[name][[0, 99]])
        with pytest.raises(UserError) as refused:
            read([0, 55])
    assert f"{path}: damaged ({name} cannot be read)" in str(refused.value)


@pytest.mark.parametrize("name", ["sequences", "videos"])
def test_a_flipped_bit_in_the_index_is_detected_on_opening(name, arrays, write_data_set, tmp_path):
    path = write_data_set(tmp_path / "data.h5", **arrays)
    flip_a_byte(path, arrays[name][-10:])
    assert f"damaged ({name} cannot be read)" in refusal(path)
