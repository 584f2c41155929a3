import tracemalloc

import h5py
import numpy as np
import pytest

from pipeline.mean_pose import mean_pose
from pipeline.store.reader import SequenceStore
from pipeline.store.writer import StoreWriter
from support.user_error import UserError
from tests.pipeline.sources.pickles import made_arrays

FRAMES, LABELS = made_arrays(66)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The bytes of a file of 66 sequences as StoreWriter writes it."""
    path = tmp_path_factory.mktemp("written") / "data.h5"
    with StoreWriter(path) as writer:
        writer.add_frames(FRAMES)
        writer.add_labels(LABELS)
        writer.finish("source.pkl", 1234, "ab" * 32)
    return path.read_bytes()


@pytest.fixture
def path(written, tmp_path):
    (tmp_path / "data.h5").write_bytes(written)
    return tmp_path / "data.h5"


def read_all(path):
    with SequenceStore(path) as store:
        return (*store.read_sequences(np.arange(len(store))), store.videos.copy())


def check_equal(contents):
    frames, labels, videos = contents
    assert frames.tobytes() == FRAMES.tobytes() and labels.tobytes() == LABELS.tobytes()
    assert videos.tolist() == [0] * 66


def refusal(path):
    with pytest.raises(UserError) as refused:
        read_all(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ") and "\n" not in message and len(message) < 500
    return message


def contents_of_chunks(contents, path):
    """For each byte of the file, whether it belongs to a chunk."""
    inside = np.zeros(len(contents), bool)
    with h5py.File(path) as file:
        for dataset in file.values():
            for number in range(dataset.id.get_num_chunks()):
                chunk = dataset.id.get_chunk_info(number)
                inside[chunk.byte_offset : chunk.byte_offset + chunk.size] = True
    return inside


@pytest.mark.promise("A flipped byte in an HDF5 file is detected")
def test_a_flipped_bit_is_detected(written, path):
    random = np.random.default_rng(0)
    inside = contents_of_chunks(written, path)
    places = [*random.choice(np.flatnonzero(~inside), 300, False), *random.choice(np.flatnonzero(inside), 60, False)]
    noticed = 0
    for place in places:
        flipped = bytearray(written)
        flipped[place] ^= 1 << random.integers(8)
        path.write_bytes(flipped)
        try:
            check_equal(read_all(path))
        except UserError:
            noticed += 1
    assert noticed > 300


@pytest.mark.promise("A flipped byte in an HDF5 file is detected")
def test_every_part_of_a_file_has_checksums(written, path):
    # The signatures of HDF5's checked superblock, object headers and extensible arrays; none of the unchecked ones.
    assert written[:9] == b"\x89HDF\r\n\x1a\n\x03"
    assert b"OHDR" in written and b"EAHD" in written
    assert not any(signature in written for signature in (b"TREE", b"SNOD", b"HEAP", b"GCOL"))
    check_equal(read_all(path))


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.99999])
def test_a_truncated_file_is_refused(share, written, path):
    path.write_bytes(written[: int(share * len(written))])
    assert "not a complete HDF5 file" in refusal(path)


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
def test_a_file_that_is_still_being_written_is_refused(tmp_path):
    with StoreWriter(tmp_path / "data.h5") as writer:
        for _ in range(2):
            writer.add_frames(FRAMES)
            writer.add_labels(LABELS)
            refusal(tmp_path / "data.h5")
        writer.finish("source.pkl", 1234, "ab" * 32)
        refusal(tmp_path / "data.h5")
    assert len(read_all(tmp_path / "data.h5")[0]) == 132


@pytest.mark.promise("Reading an HDF5 file never opens another file")
@pytest.mark.parametrize("make_link", [h5py.SoftLink, lambda name: h5py.ExternalLink("other.h5", name)])
def test_a_link_is_not_followed(make_link, written, path):
    (path.parent / "other.h5").write_bytes(written)
    with h5py.File(path, "r+") as file:
        file.move("labels", "moved")
        file["labels"] = make_link("/moved" if make_link is h5py.SoftLink else "/labels")
        assert file["labels"].shape == LABELS.shape
    assert "labels is a link, not a data set" in refusal(path)


def test_a_link_to_itself_is_refused(path):
    with h5py.File(path, "r+") as file:
        del file["labels"]
        file["labels"] = h5py.SoftLink("/labels")
    assert "labels is a link, not a data set" in refusal(path)


@pytest.mark.promise("Reading an HDF5 file never opens another file")
def test_data_in_another_file_is_not_read(written, path):
    (path.parent / "other.h5").write_bytes(written)
    (path.parent / "raw").write_bytes(LABELS.tobytes())
    layout = h5py.VirtualLayout(LABELS.shape, np.float32)
    layout[:] = h5py.VirtualSource(str(path.parent / "other.h5"), "labels", LABELS.shape)
    raw = [(str(path.parent / "raw"), 0, h5py.h5f.UNLIMITED)]
    for replace in (
        lambda file: file.create_virtual_dataset("labels", layout),
        lambda file: file.create_dataset("labels", LABELS.shape, np.float32, external=raw),
    ):
        with h5py.File(path, "r+") as file:
            del file["labels"]
            replace(file)
            assert file["labels"][:].tobytes() == LABELS.tobytes()
        assert "labels is not stored in chunks with Fletcher-32 checksums and no other filter" in refusal(path)


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
def test_other_filters_are_refused(path):
    unknown = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    unknown.set_chunk(LABELS.shape)
    unknown.set_filter(300, h5py.h5z.FLAG_OPTIONAL, ())
    space = h5py.h5s.create_simple(LABELS.shape)
    for replace in (
        lambda file: file.create_dataset("labels", data=LABELS),
        lambda file: file.create_dataset("labels", data=LABELS, chunks=LABELS.shape),
        lambda file: file.create_dataset("labels", data=LABELS, compression="gzip", fletcher32=True),
        lambda file: h5py.h5d.create(file.id, b"labels", h5py.h5t.IEEE_F32LE, space, unknown),
    ):
        with h5py.File(path, "r+") as file:
            del file["labels"]
            replace(file)
        assert "labels is not stored in chunks with Fletcher-32 checksums and no other filter" in refusal(path)


@pytest.mark.promise("No memory is allocated for data that a file claims but does not contain")
@pytest.mark.parametrize("count", [129, 2**24, 2**40, 2**60])
def test_claimed_rows_that_are_not_stored_take_no_memory(count, path):
    with h5py.File(path, "r+") as file:
        for name in ("sequences", "labels", "videos"):
            file[name].resize(count, axis=0)
    tracemalloc.start()
    try:
        assert f"does not contain the {count} rows of" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_claimed_frames_that_are_not_stored_are_refused(path):
    with h5py.File(path, "r+") as file:
        file["frames"].resize(2**40, axis=0)
    assert "does not contain the 1099511627776 rows of frames" in refusal(path)


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
def test_other_chunks_are_refused(path):
    with h5py.File(path, "r+") as file:
        del file["labels"]
        file.create_dataset("labels", data=LABELS, chunks=(66, 5, 7, 2), fletcher32=True)
    assert "labels has chunks of the wrong shape" in refusal(path)


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
@pytest.mark.parametrize(
    "value",
    [
        np.zeros(3),
        np.zeros((2, 2)),
        1.5,
        "1\n\x1b[2J",
        "x" * 5000,
        np.bytes_(b"\xff\xfe"),
        h5py.Empty("f4"),
        ["1", "2"],
    ],
)
@pytest.mark.parametrize("name", ["format", "format_version", "source_sha256"])
def test_attributes_of_other_kinds_are_refused(name, value, path):
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
        file.attrs[name] = value
    if name == "source_sha256":
        with SequenceStore(path) as store:
            assert len(store.source_sha256) <= 100 and store.source_sha256.isprintable()
    elif name == "format" and isinstance(value, str):
        check_equal(read_all(path))
    else:
        assert "not one that convert_pkl_to_h5.py wrote" in refusal(path) or "format version" in refusal(path)


@pytest.mark.promise("No memory is allocated for data that a file claims but does not contain")
@pytest.mark.parametrize("text", ["ab" * 32, np.bytes_("ab" * 5000)], ids=["in a heap", "long"])
def test_text_that_no_conversion_writes_is_not_read(text, path):
    with h5py.File(path, "r+") as file:
        del file.attrs["source_sha256"]
        file.attrs["source_sha256"] = text
    with SequenceStore(path) as store:
        assert store.source_sha256 == ""


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
@pytest.mark.parametrize("kind", [h5py.h5t.UNIX_D32LE, h5py.h5t.create(h5py.h5t.OPAQUE, 4)], ids=["time", "opaque"])
@pytest.mark.parametrize("name", ["format", "format_version", "source_name", "source_size", "source_sha256", "joints"])
def test_attributes_of_types_unknown_to_h5py_raise_user_error(name, kind, path):
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
        h5py.h5a.create(file.id, name.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
    if name in ("source_size", "joints"):
        check_equal(read_all(path))
    elif name in ("source_name", "source_sha256") and kind.get_class() != h5py.h5t.TIME:
        with SequenceStore(path) as store:
            assert getattr(store, name) == ""
    else:
        refusal(path)


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_labels_that_are_not_finite_are_refused(value, path):
    with h5py.File(path, "r+") as file:
        file["labels"][[7, 9], 3, 2, 1] = value
    assert "2 labels are not finite numbers, the first of sequence 7" in refusal(path)
    with SequenceStore(path) as store, pytest.raises(UserError, match="1 labels are not .* the first of sequence 9"):
        store.read_labels([20, 9])


def test_files_in_the_earlier_format_are_read(made_data):
    assert made_data.path.read_bytes()[8] == 0
    with SequenceStore(made_data.path) as store:
        frames, labels = store.read_sequences(np.arange(20))
        assert store.source_sha256 == "ab" * 32
    assert (frames == made_data.frames[made_data.sequences[:20]]).all() and (labels == made_data.labels[:20]).all()


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
@pytest.mark.parametrize("name", ["digests", "label_sums", "checksums"])
@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.astype(np.float32),
        lambda rows: rows.astype(rows.dtype.newbyteorder(">") if rows.itemsize > 1 else np.int8),
        lambda rows: rows[..., :-1],
        lambda rows: rows[..., None],
        lambda rows: rows.reshape(-1, 1 if rows.ndim == 1 else rows.size),
        lambda rows: rows[:0],
        lambda rows: rows[:-1],
        lambda rows: np.concatenate([rows, rows[:1]]),
    ],
    ids=["float32", "another type", "narrower", "more axes", "other axes", "empty", "a row too few", "a row too many"],
)
def test_other_rows_in_the_data_sets_of_later_versions_are_refused(change, name, path):
    with h5py.File(path, "r+") as file:
        rows, rows_per_chunk = file[name][:], file[name].chunks[0]
        del file[name]
        rows = change(rows)
        shape = rows.shape[1:]
        file.create_dataset(name, data=rows, chunks=(rows_per_chunk, *shape), maxshape=(None, *shape), fletcher32=True)
    assert "damaged" in refusal(path)


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
@pytest.mark.parametrize("name", ["digests", "label_sums", "checksums"])
@pytest.mark.parametrize(
    "replace",
    [
        lambda file, name: None,
        lambda file, name: file.create_group(name),
        lambda file, name: file.create_dataset(name, shape=(), dtype=np.uint8),
        lambda file, name: file.create_dataset(name, dtype=np.uint8, data=h5py.Empty(np.uint8)),
        lambda file, name: file.create_dataset(name, (66, 16), np.uint8),
        lambda file, name: file.__setitem__(name, h5py.SoftLink("/frames")),
        lambda file, name: h5py.h5d.create(
            file.id, name.encode(), h5py.h5t.UNIX_D32LE, h5py.h5s.create(h5py.h5s.SCALAR)
        ),
    ],
    ids=["missing", "group", "scalar", "no values", "not in chunks", "link", "time"],
)
def test_other_objects_in_place_of_the_data_sets_of_later_versions_are_refused(replace, name, path):
    with h5py.File(path, "r+") as file:
        del file[name]
        replace(file, name)
    assert "damaged" in refusal(path)


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
@pytest.mark.parametrize("name, version", [("digests", 1), ("label_sums", 1), ("checksums", 1), ("checksums", 2)])
def test_the_data_sets_of_later_versions_are_refused_in_earlier_ones(name, version, path):
    with h5py.File(path, "r+") as file:
        file.attrs.modify("format_version", version)
        for other in {"digests", "label_sums", "checksums"} - {name}:
            if version == 1:
                del file[other]
    assert f"{name} is not part of format version {version}" in refusal(path)


@pytest.mark.promise("A flipped byte in an HDF5 file is detected")
def test_frames_with_other_checksums_are_refused(path):
    with h5py.File(path, "r+") as file:
        file["checksums"][5] ^= np.uint64(1)
    assert "frames cannot be read" in refusal(path)


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
def test_frames_with_a_filter_are_refused_from_version_3_on(path):
    with h5py.File(path, "r+") as file:
        frames = file["frames"][:]
        del file["frames"]
        file.create_dataset("frames", data=frames, chunks=(16, 64, 64, 3), fletcher32=True)
    assert "frames is not stored in chunks without filters" in refusal(path)


@pytest.mark.promise("An HDF5 file that is truncated, still being written or not in this project's format is rejected")
def test_data_before_the_hdf5_file_are_refused(written, path):
    path.write_bytes(bytes(512) + written)
    with h5py.File(path) as file:
        assert file.userblock_size == 512
    assert "other data precedes the HDF5 file" in refusal(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_impossible_sums_of_labels_are_refused(value, path):
    with h5py.File(path, "r+") as file:
        file["label_sums"][0, 3, 1] = value
    with SequenceStore(path) as store, pytest.raises(UserError, match="damaged") as refused:
        mean_pose(store, np.arange(len(store)))
    assert "\n" not in str(refused.value)
