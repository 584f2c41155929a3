import contextlib
import io
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.pickle_opcodes import MOST_OPCODES
from pipeline.sources.pickle_reader import LARGEST_READ, Source, locate_arrays, open_source, read_frames, read_labels
from support.user_error import UserError
from tests.pipeline.sources.pickles import made_arrays, pickled

DATA = Path(__file__).parent / "data"
FRAMES, LABELS = made_arrays(1)
VALID = pickled((FRAMES, LABELS))
FRAMES_START = VALID.index(FRAMES.tobytes())
FRAMES_END = FRAMES_START + FRAMES.nbytes


def source_of(data):
    return Source(io.BytesIO(data), len(data))


def located(data):
    return locate_arrays(source_of(data))


def read_back(source, sequences_per_block):
    arrays = locate_arrays(source)
    frames = [block.copy() for block in read_frames(source, arrays, sequences_per_block)]
    labels = [block.copy() for block in read_labels(source, arrays, sequences_per_block)]
    return frames, labels


def check_equal(blocks, expected):
    assert np.concatenate(blocks).dtype == expected.dtype
    assert np.concatenate(blocks).tobytes() == expected.tobytes()


def refusal(data):
    with pytest.raises(UserError) as caught:
        located(data)
    message = str(caught.value)
    assert "\n" not in message
    return message


# What is read


@pytest.mark.parametrize("package", ["numpy.core", "numpy._core"])
@pytest.mark.parametrize("labels_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("frames_dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_what_pickle_wrote_bit_for_bit(protocol, frames_dtype, labels_dtype, package):
    frames, labels = made_arrays(3, frames_dtype, labels_dtype)
    data = pickled((frames, labels), protocol, package)
    assert package.encode() in data
    read_frames, read_labels = read_back(source_of(data), 2)
    assert [len(block) for block in read_frames] == [2, 1]
    check_equal(read_frames, frames.view(np.uint8))
    check_equal(read_labels, labels)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_what_the_c_pickler_wrote(protocol):
    frames, labels = made_arrays(3)
    frames.flags.writeable = False
    read_frames, read_labels = read_back(source_of(pickle.dumps((frames, labels), protocol)), 64)
    check_equal(read_frames, frames)
    check_equal(read_labels, labels)


@pytest.mark.parametrize("name, labels_dtype", [("python2_pickle", np.float32), ("python2_cpickle", np.float64)])
def test_reads_what_python_2_wrote(name, labels_dtype, tmp_path):
    with zipfile.ZipFile(DATA / f"{name}.zip") as archive:
        path = Path(archive.extract("youtube_train_data.pkl", tmp_path))
    frames, labels = pickle.loads(path.read_bytes(), encoding="latin1")
    assert frames.dtype == np.int8 and labels.dtype == labels_dtype and frames.min() < 0
    for packed in (path, DATA / f"{name}.zip"):
        with open_source(packed) as source:
            read_frames, read_labels = read_back(source, 1)
        check_equal(read_frames, frames.view(np.uint8))
        check_equal(read_labels, labels)


def test_reports_the_dtypes_that_it_found():
    arrays = located(pickled(made_arrays(2, np.int8, np.float64)))
    assert (arrays.sequences, arrays.frames_dtype, arrays.labels_dtype) == (2, np.int8, np.float64)


def test_reads_big_endian_labels():
    labels = LABELS.astype(">f4")
    _, read_labels = read_back(source_of(pickled((FRAMES, labels))), 1)
    assert (read_labels[0] == LABELS).all()


@pytest.mark.parametrize("ascii_bytes", [0, 1])
def test_reads_may_split_a_character_of_protocol_2_text(ascii_bytes):
    # Protocol 2 stores 255 as two bytes, so the end of each read is within a character if one ASCII byte precedes them.
    frames = np.full((20, 10, 64, 64, 3), 255, np.uint8)
    frames.flat[:ascii_bytes] = 1
    data = pickled((frames, np.zeros((20, 10, 7, 2), np.float32)), 2)
    assert len(data) > 4 * LARGEST_READ
    check_equal(read_back(source_of(data), 1)[0], frames)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_reads_the_only_file_in_a_zip_file(compression, tmp_path):
    path = tmp_path / "named at will"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/youtube_train_data.pkl", VALID)
        archive.writestr("__MACOSX/folder/._youtube_train_data.pkl", "not a pickle")
    with open_source(path) as source:
        read_frames, read_labels = read_back(source, 1)
    check_equal(read_frames, FRAMES)
    check_equal(read_labels, LABELS)


# What is refused by name


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.promise("Reading a pickle never executes code")
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_names_the_function_that_it_refused(protocol):
    assert "refused builtins.eval" in refusal(pickled(Calls(eval, "1"), protocol)).replace("__builtin__", "builtins")
    assert f"refused {__name__}.Calls" in refusal(pickled((Calls, LABELS), protocol))


@pytest.mark.promise("Reading a pickle never executes code")
def test_refuses_os_system_however_it_is_named():
    assert "refused os.system, at byte" in refusal(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    assert "refused os.system, at byte" in refusal(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.")


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nX\x02\x00\x00\x00u1\x89\x88\x87R"


@pytest.mark.parametrize(
    "opcodes, complaint",
    [
        (ARRAY + b"(K\x01K\x01\x85" + DTYPE + b"\x89C\x01atb", None),
        (ARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + DTYPE + b"\x89C\x01atb", "a shape that is not made of lengths"),
        (ARRAY + b"(K\x01\x88\x85" + DTYPE + b"\x89C\x01atb", "a shape that is not made of lengths"),
        (ARRAY + b"(K\x01K\x01" + DTYPE + b"\x89C\x01atb", "a shape that is not made of lengths"),
        (ARRAY + b"(K\x01K\x01\x85N\x89C\x01atb", "gives an array no dtype"),
        (ARRAY + b"(K\x01K\x01\x85" + DTYPE + b"\x89Ntb", "contents that are not bytes"),
        (DTYPE + b"(K\x03K\x01NNNK\x01K\x01K\x00tb", "gives a dtype no byte order"),
        (DTYPE + b"(K\x03C\x01|K\x01NNK\x01K\x01K\x00tb", "refused a dtype that is not a plain number's"),
        (b"cnumpy\ndtype\nNR", "without a tuple of arguments"),
        (b"c_codecs\nencode\nX\x02\x00\x00\x00\xc4\x80X\x06\x00\x00\x00latin1\x86R", "encodes text that is not latin1"),
        (b"K\x01K\x02\x93", "names a constructor by something other than text"),
        (ARRAY + ARRAY + b"\x86", "contains no data for the frames"),
    ],
)
def test_says_what_is_wrong_with_the_parts_of_an_array(opcodes, complaint):
    assert (complaint or "not a tuple of two NumPy arrays") in refusal(b"\x80\x04" + opcodes + b".")


@pytest.mark.parametrize("parts", [b"N" * count for count in (3, 5, 8, 85)])
def test_refuses_a_dtype_state_of_unusual_length(parts):
    """Two parts come before these. NumPy itself pickles eight or nine; of more it takes the machine's byte order."""
    dtype = DTYPE + b"(K\x03C\x01>" + parts + b"tb"
    assert "refused a dtype that is not a plain number's" in refusal(b"\x80\x04" + dtype + b".")


@pytest.mark.parametrize("copies", [b"\x89", b"K\x00", b"N"])
def test_refuses_a_dtype_that_numpy_would_not_copy(copies):
    """NumPy's own dtypes keep their byte order, whatever the pickle says; those that it pickles are copies."""
    dtype = b"cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89" + copies + b"\x87R(K\x03C\x01>NNNK\x01K\x01K\x00tb"
    assert "refused a dtype that is not a plain number's" in refusal(b"\x80\x04" + dtype + b".")


def test_a_name_cannot_write_to_the_terminal():
    assert r"refused os.\x1b[2J" in refusal(b"\x80\x02cos\n\x1b[2J\n.")


def test_a_long_name_is_not_quoted_in_full():
    name, code = b"a" * 100 + b"\0" * 150, b"u" * 200
    assert len(refusal(b"\x80\x02c" + name + b"\nb\n.")) < 500
    dtype = DTYPE.replace(b"\x02\x00\x00\x00u1", b"\xc8\x00\x00\x00" + code)
    array = ARRAY + b"(K\x01K\x01\x85" + dtype + b"\x89C\x01atb"
    assert len(refusal(b"\x80\x04" + array + array + b"\x86.")) < 500


@pytest.mark.promise("Reading a pickle never executes code")
@pytest.mark.parametrize(
    "opcodes, named",
    [
        (b"Pid\n", "a persistent id"),
        (b"NQ", "a persistent id"),
        (b"\x82\x01", "an extension code"),
        (b"\x83\x01\x00", "an extension code"),
        (b"\x84\x01\x00\x00\x00", "an extension code"),
        (b"(ios\nsystem\n", "INST"),
        (b"(No", "OBJ"),
        (b"N)\x81", "NEWOBJ"),
        (b"N)N\x92", "NEWOBJ_EX"),
        (b"]", "a list"),
        (b"}", "a dictionary"),
        (b"\x97", "a buffer outside the file"),
        (b"\xff", "opcode 0xff"),
    ],
)
def test_names_the_opcode_that_it_refused(opcodes, named):
    message = refusal(b"\x80\x04" + opcodes + b".")
    assert message.startswith("refused ") and named in message


@pytest.mark.parametrize(
    "opcodes",
    [
        b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R",
        b"cnumpy\nndarray\n)R",
        b"K\x01)R",
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85C\x01b\x87R",
        b"cnumpy\ndtype\nK\x01\x85R",
        b"K\x01)b",
    ],
)
def test_refuses_other_uses_of_what_it_knows(opcodes):
    assert "refused" in refusal(b"\x80\x04" + opcodes + b".")


@pytest.mark.promise("Reading a pickle never executes code")
@pytest.mark.parametrize("frames", [np.array([None, "a"], object), np.array(["a"], object)])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_refuses_arrays_of_objects(frames, protocol):
    assert "refused an array of Python objects" in refusal(pickled((frames, LABELS), protocol))


@pytest.mark.promise("Reading a pickle never executes code")
def test_refuses_subclasses_of_arrays():
    assert "refused numpy" in refusal(pickled((np.ma.masked_array(FRAMES), LABELS)))
    assert "refused numpy" in refusal(pickled((FRAMES.view(np.recarray), LABELS)))


# What is not the course's data


@pytest.mark.parametrize(
    "value, complaint",
    [
        ((FRAMES.astype(np.float32), LABELS), "the frames have dtype 'f4', not int8 or uint8"),
        ((FRAMES.astype(np.int16), LABELS), "the frames have dtype 'i2', not int8 or uint8"),
        ((FRAMES, LABELS.astype(np.int64)), "the labels have dtype 'i8', not float32 or float64"),
        ((FRAMES, LABELS.astype(np.float16)), "the labels have dtype 'f2', not float32 or float64"),
        ((FRAMES, LABELS.astype("datetime64[s]")), "refused a dictionary|the labels have dtype 'M8'"),
        ((LABELS, FRAMES), "the frames have dtype 'f4', not int8 or uint8"),
        ((FRAMES[0], LABELS), r"the frames have shape \(10, 64, 64, 3\), not \(N, 10, 64, 64, 3\)"),
        ((FRAMES[:, :5], LABELS), r"the frames have shape \(1, 5, 64, 64, 3\)"),
        ((FRAMES, LABELS.reshape(1, 10, 14)), r"the labels have shape \(1, 10, 14\), not \(N, 10, 7, 2\)"),
        ((np.zeros((1,) * 20, np.uint8), LABELS), r"the frames have shape \(1, 1, 1, 1, 1, 1, …\)"),
        ((np.array(1, np.uint8), LABELS), r"the frames have shape \(\)"),
        ((FRAMES[:0], LABELS[:0]), "the frames contain no sequences"),
        ((FRAMES, np.repeat(LABELS, 3, 0)), "there are frames of 1 sequence but labels of 3"),
        ((np.asfortranarray(FRAMES), LABELS), "the frames are in Fortran order"),
        ((FRAMES, np.asfortranarray(LABELS)), "the labels are in Fortran order"),
        ((FRAMES, LABELS, LABELS), "not a tuple of two NumPy arrays"),
        (FRAMES, "not a tuple of two NumPy arrays"),
        (("frames", "labels"), "not a tuple of two NumPy arrays"),
        ([FRAMES, LABELS], "refused a list"),
        ({"frames": FRAMES}, "refused a dictionary"),
    ],
)
@pytest.mark.parametrize("protocol", [4, 5])
def test_says_what_is_wrong_with_the_arrays(value, complaint, protocol):
    with pytest.raises(UserError, match=complaint):
        located(pickled(value, protocol))


@pytest.mark.parametrize("claimed", [0, 2, 3])
@pytest.mark.parametrize("protocol", [2, 4])
def test_refuses_arrays_of_inconsistent_sizes(protocol, claimed):
    frames, labels = made_arrays(1)
    data = pickled((frames & 1, labels), protocol)
    claims_more = data.replace(b"(K\x01(K\x01K\nK@", b"(K\x01(K%cK\nK@" % claimed)
    assert claims_more != data
    complaint = f"the frames should take {claimed * 122880} bytes, but the pickle contains"
    assert (complaint if claimed else "the frames contain no sequences") in refusal(claims_more)


def test_refuses_protocol_2_text_of_the_wrong_length():
    data = pickled((FRAMES, LABELS), 2)
    stored = FRAMES.tobytes().decode("latin-1").encode()
    length = len(stored)
    for text, complaint in [
        (b"a" * length, "contains more bytes than its arrays take"),
        (b"\xc3\xbf" * (length // 2) + b"a" * (length % 2), "ends before its arrays are complete"),
        (b"\xff" * length, "not latin1 text"),
        ("Ā".encode() * (length // 2) + b"a" * (length % 2), "not latin1 text"),
        (b"a" * (FRAMES.size - 1) + b"\xc3" * (length - FRAMES.size + 1), "not latin1 text"),
    ]:
        assert len(text) == length
        source = source_of(data.replace(stored, text))
        with pytest.raises(UserError, match=complaint):
            read_back(source, 1)


# What is not a complete pickle


@pytest.mark.parametrize(
    "data, complaint",
    [
        (b"", "empty"),
        (b"frames and labels\n", "not a pickle"),
        (b"\x89HDF\r\n\x1a\n", "HDF5 file, not a pickle"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (pickled((FRAMES[0, 0], 1), 0), "protocol 0 or 1"),
        (pickled((FRAMES[0, 0], 1), 1), "protocol 0 or 1"),
        (b"\x80\x06N.", "protocol 6, only protocols 2 to 5 are supported"),
        (b"\x80", "cut short"),
        (b"\x80\x04", "cut short"),
        (b"\x80\x02cnumpy", "damaged"),
        (b"\x80\x04.", "damaged"),
        (b"\x80\x04t.", "damaged"),
        (b"\x80\x04h\x07.", "asks for value 7"),
        (b"\x80\x04\x94.", "damaged"),
        (b"\x80\x04\x8c\x01\xff.", "not UTF-8"),
        (b"\x80\x02T\xff\xff\xff\xff.", "length -1"),
    ],
)
def test_names_the_kind_of_a_file_that_is_not_a_pickle(data, complaint):
    assert complaint in refusal(data)


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_refuses_a_pickle_that_is_cut_anywhere(protocol):
    data = pickled((FRAMES, LABELS), protocol)
    cuts = [*range(400), *range(400, len(data) - 1000, 20011), *range(len(data) - 1000, len(data))]
    for cut in cuts:
        message = refusal(data[:cut])
        assert "cut short" in message or "damaged" in message or "empty" in message, (cut, message)


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
def test_detects_a_file_that_is_cut_short_after_the_first_pass():
    arrays = located(VALID)
    with pytest.raises(UserError, match="ends before its arrays are complete"):
        list(read_frames(source_of(VALID[: FRAMES_END - 1]), arrays, 1))


@pytest.mark.parametrize("members", [{}, {"a.pkl": VALID, "b.pkl": VALID}])
def test_refuses_a_zip_file_without_exactly_one_file(members, tmp_path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    message = f"data.zip: the zip file contains {len(members)} files, not one"
    with pytest.raises(UserError, match=message), open_source(tmp_path / "data.zip"):
        pass


def zipped(tmp_path, compression=zipfile.ZIP_DEFLATED):
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a.pkl", VALID)
    return path, bytearray(path.read_bytes())


@pytest.mark.parametrize("damage", [slice(60000, 60100), slice(60000, None)])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_refuses_a_damaged_or_cut_zip_file(damage, compression, tmp_path):
    path, data = zipped(tmp_path, compression)
    data[damage] = bytes(100) if damage.stop else b""
    path.write_bytes(data)
    with pytest.raises(UserError, match="the zip file is damaged or cut short"), open_source(path) as source:
        read_back(source, 1)


# Malicious pickles


@pytest.mark.promise("A malicious pickle uses little memory and time")
@pytest.mark.parametrize(
    "data, complaint",
    [
        (b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc.", "where 4611686018427387904 more bytes should follow"),
        (b"\x80\x05\x96" + struct.pack("<Q", 2**64 - 1) + b"abc.", "cut short"),
        (b"\x80\x04X" + struct.pack("<I", 2**32 - 1) + b"abc.", "cut short"),
        (b"\x80\x02T" + struct.pack("<i", 2**31 - 1) + b"abc.", "cut short"),
        (b"\x80\x04" + b"(" * 10**6 + b".", f"over {MOST_OPCODES} opcodes"),
        (b"\x80\x04)" + b"\x85" * 10**6 + b".", f"over {MOST_OPCODES} opcodes"),
        (b"\x80\x04)" + b"\x94" * 10**6 + b".", f"over {MOST_OPCODES} opcodes"),
        (b"\x80\x04Nr\xff\xff\xff\xff.", "not a tuple of two NumPy arrays"),
        (b"\x80\x02c" + b"a" * 10**6 + b"\nb\n.", "damaged"),
        (b"\x80\x02\x8a\xff" + b"\xff" * 255 + b".", "refused an integer of more than 64 bits"),
        (b"\x80\x04)" + b"q\x00h\x00\x86" * 300 + b".", "not a tuple of two NumPy arrays"),
        (b"\x80\x04)" + b"q\x00h\x00\x86" * 300 + b"c_codecs\nencode\nh\x00h\x00\x86R.", "refused"),
        (b"\x80\x04cnumpy.core.multiarray\n_reconstruct\n)" + b"q\x00h\x00\x86" * 300 + b"NN\x87R.", "refused"),
    ],
)
def test_hostile_pickles_take_little_memory_and_time(data, complaint):
    tracemalloc.start()
    try:
        message = refusal(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert complaint in message and len(message) < 500


def test_arrays_are_located_without_being_read():
    frames, labels = made_arrays(20)
    source = source_of(pickled((frames, labels), 5))
    tracemalloc.start()
    try:
        locate_arrays(source)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def check_read_or_refused(data):
    with contextlib.suppress(UserError):
        source = source_of(data)
        arrays = locate_arrays(source)
        assert next(iter(read_frames(source, arrays, 1))).shape == (1, 10, 64, 64, 3)


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_pickle_with_changed_bytes_is_read_or_refused(changes):
    data = bytearray(VALID)
    outside = [*range(FRAMES_START), *range(FRAMES_END, len(data))]
    for place, value in changes:
        data[outside[place % len(outside)]] = value
    check_read_or_refused(bytes(data))


OPCODES = st.sampled_from(
    [bytes([byte]) for byte in range(256)]
    + [b"K\x01", b"C\x01b", b"X\x02\x00\x00\x00u1", b"h\x00", b"q\x00"]
    + [b"N", b")", b"\x85", b"\x86", b"\x87", b"(", b"t"]
    + [b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"c_codecs\nencode\n", b"cnumpy.core.multiarray\n_reconstruct\n"]
    + [b"cnumpy.core.numeric\n_frombuffer\n", DTYPE, b"R", b"b"]
    + [ARRAY]
)


@pytest.mark.promise("Reading a pickle never executes code")
@settings(max_examples=500, deadline=None)
@given(st.lists(OPCODES, max_size=30))
def test_opcodes_in_any_order_are_read_or_refused(opcodes):
    check_read_or_refused(b"\x80\x04" + b"".join(opcodes) + b".")
