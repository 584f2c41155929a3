import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.pickle_reader import locate_arrays, open_source, read_frames, read_labels
from support.user_error import UserError
from tests.pipeline.sources.pickles import made_arrays, pickled

FRAMES, LABELS = made_arrays(1)
VALID = pickled((FRAMES, LABELS))
DIRECTORY_ENTRY, END_RECORD = b"PK\x01\x02", b"PK\x05\x06"
PACKED_SIZE, UNPACKED_SIZE, LOCAL_HEADER, VERSION, FLAGS, METHOD = 20, 24, 42, 6, 8, 10


def zipped(path, contents=VALID, name="a.pkl", compression=zipfile.ZIP_DEFLATED):
    """Writes a zip file of one member; returns its bytes as a bytearray."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(name, contents)
    return bytearray(path.read_bytes())


def claim(data, place, number, length=4):
    """Overwrites a number in the directory entry of the zip file's member."""
    start = data.index(DIRECTORY_ENTRY) + place
    data[start : start + length] = number.to_bytes(length, "little")


def read_back(path):
    with open_source(path) as source:
        arrays = locate_arrays(source)
        [frames], [labels] = list(read_frames(source, arrays, 1)), list(read_labels(source, arrays, 1))
    return frames, labels


def refusal(path, data):
    path.write_bytes(data)
    with pytest.raises(UserError) as refused:
        read_back(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


@pytest.mark.promise("No memory is allocated for data that a file claims but does not contain")
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_file_that_claims_more_than_it_can_unpack_to_is_refused(compression, tmp_path):
    data = zipped(tmp_path / "data.zip", compression=compression)
    claim(data, UNPACKED_SIZE, 2**32 - 2)
    assert "unpack to 4294967294, which is impossible" in refusal(tmp_path / "data.zip", data)


def test_a_zip_file_that_unpacks_to_less_than_it_claims_is_refused(tmp_path):
    data = zipped(tmp_path / "data.zip")
    claim(data, UNPACKED_SIZE, len(VALID) + 1000)
    assert "1000 bytes follow the pickle" in refusal(tmp_path / "data.zip", data)
    data = zipped(tmp_path / "data.zip", VALID[:-1000])
    claim(data, UNPACKED_SIZE, len(VALID))
    assert "cut short" in refusal(tmp_path / "data.zip", data)


def test_a_zip_file_that_unpacks_to_more_than_it_claims_is_refused(tmp_path):
    data = zipped(tmp_path / "data.zip", VALID + bytes(1000))
    claim(data, UNPACKED_SIZE, len(VALID))
    assert "damaged or cut short" in refusal(tmp_path / "data.zip", data)


@pytest.mark.promise("No memory is allocated for data that a file claims but does not contain")
def test_what_follows_the_pickle_is_not_unpacked(tmp_path):
    data = zipped(tmp_path / "data.zip", VALID + bytes(10**7))
    end = data.index(DIRECTORY_ENTRY)
    data[end - 2000 : end] = b"\xff" * 2000  # nothing that deflate could unpack
    assert "10000000 bytes follow the pickle" in refusal(tmp_path / "data.zip", data)


def test_other_files_in_the_zip_file_are_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pkl", VALID)
        archive.writestr("__MACOSX/._a.pkl", bytes(10**6))
    data = bytearray((tmp_path / "data.zip").read_bytes())
    packed = data.index(b"__MACOSX/._a.pkl") + len("__MACOSX/._a.pkl")
    data[packed : packed + 500] = b"\xff" * 500
    (tmp_path / "data.zip").write_bytes(data)
    assert read_back(tmp_path / "data.zip")[0].tobytes() == FRAMES.tobytes()


@pytest.mark.promise("File names in a zip file are never used as paths")
@pytest.mark.parametrize("name", ["../../outside.pkl", "/outside.pkl", "C:\\outside.pkl", "a\n\x1b[2J.pkl"])
def test_names_in_a_zip_file_lead_nowhere(name, tmp_path, monkeypatch):
    (tmp_path / "inner" / "folder").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "inner" / "folder")
    zipped(tmp_path / "data.zip", name=name)
    assert read_back(tmp_path / "data.zip")[1].tobytes() == LABELS.tobytes()
    assert sorted(os.listdir(tmp_path)) == ["data.zip", "inner"] and os.listdir(".") == []


@pytest.mark.promise("No memory is allocated for data that a file claims but does not contain")
def test_a_long_list_of_files_takes_little_memory(tmp_path):
    data = zipped(tmp_path / "data.zip")
    entry = data[data.index(DIRECTORY_ENTRY) : data.index(END_RECORD)]
    entries = entry * (2**22 // len(entry))
    end = data[data.index(END_RECORD) :]
    end[12:16] = len(entries).to_bytes(4, "little")
    tracemalloc.start()
    try:
        message = refusal(tmp_path / "data.zip", data[: data.index(DIRECTORY_ENTRY)] + entries + end)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(entries) + 2**22
    finally:
        tracemalloc.stop()
    assert "damaged" in message


@pytest.mark.parametrize(
    "place, number, length, complaint",
    [
        (VERSION, 99, 1, "unusual compression"),
        (FLAGS, 1, 2, "encrypted"),
        (METHOD, zipfile.ZIP_LZMA, 2, "unusual compression"),
        (FLAGS, 0x20, 2, "unusual compression"),
        (FLAGS, 0x40, 2, "unusual compression"),
        (LOCAL_HEADER, 2**32 - 16, 4, "damaged"),
        (PACKED_SIZE, 10, 4, "which is impossible"),
    ],
)
def test_says_what_is_wrong_with_an_entry(place, number, length, complaint, tmp_path):
    data = zipped(tmp_path / "data.zip")
    claim(data, place, number, length)
    assert complaint in refusal(tmp_path / "data.zip", data)


def test_refuses_a_name_that_is_not_text_and_a_misplaced_file_list(tmp_path):
    data = zipped(tmp_path / "data.zip", name="é.pkl")
    assert "damaged" in refusal(tmp_path / "data.zip", data.replace("é".encode(), b"\xff\xff"))
    data = zipped(tmp_path / "data.zip")
    end = data.index(END_RECORD)
    data[end + 16 : end + 20] = b"\x00\xff\xff\xff"
    assert "damaged" in refusal(tmp_path / "data.zip", data)


@pytest.fixture(scope="module")
def zip_file(tmp_path_factory):
    """A zip file's path and bytes; tests change it."""
    path = tmp_path_factory.mktemp("zipped") / "data.zip"
    return path, bytes(zipped(path))


@settings(max_examples=100, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_zip_file_with_changed_bytes_is_read_or_refused(zip_file, changes):
    path, data = zip_file[0], bytearray(zip_file[1])
    outside = [*range(60), *range(data.index(DIRECTORY_ENTRY), len(data))]
    for place, value in changes:
        data[outside[place % len(outside)]] = value
    path.write_bytes(data)
    try:
        frames, labels = read_back(path)
    except UserError:
        return
    assert (frames == FRAMES).all() and np.array_equal(labels, LABELS)
