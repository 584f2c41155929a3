import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from pipeline.sources.pickle_conversion import convert_pickle
from pipeline.store.reader import SequenceStore
from support.user_error import UserError
from tests.pipeline.sources.pickles import made_arrays

FRAMES, LABELS = made_arrays(3)


def converted(path):
    """Frames and labels, converted from the file at `path` and read back."""
    convert_pickle(path, path.with_suffix(".h5"))
    with SequenceStore(path.with_suffix(".h5")) as store:
        return store.read_sequences(np.arange(len(store)))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "positional, named",
    [
        ((), {"frames": FRAMES, "labels": LABELS}),
        ((), {"labels": LABELS, "frames": FRAMES.view(np.int8)}),
        ((), {"x": FRAMES, "y": LABELS.astype(">f8"), "names": np.array(["a", "b"])}),
        ((LABELS, FRAMES), {}),
    ],
)
def test_frames_and_labels_are_converted(save, positional, named, tmp_path):
    save(tmp_path / "data.npz", *positional, **named)
    frames, labels = converted(tmp_path / "data.npz")
    np.testing.assert_array_equal(frames, FRAMES)
    np.testing.assert_array_equal(labels, LABELS)


def refusal(path):
    with pytest.raises(UserError) as refused:
        converted(path)
    assert str(refused.value).startswith(f"{path}: ")
    return str(refused.value)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"frames": FRAMES, "labels": LABELS[:2]}, "frames of 3 sequences but labels of 2"),
        (
            {"frames": FRAMES / 255, "labels": LABELS},
            "the frames have dtype 'f8', not int8 or uint8; convert them, as numpy.rint(255 * frames) if",
        ),
        ({"a": FRAMES, "b": FRAMES, "c": LABELS}, "not clear which of the arrays a, b, c are the frames"),
        ({"frames": FRAMES, "b": FRAMES}, "not clear which of the arrays frames, b are the labels"),
        ({"frames": FRAMES, "labels": np.asfortranarray(LABELS)}, "the labels are in Fortran order"),
        ({"frames": FRAMES, "labels": LABELS.astype(object)}, "the labels have dtype 'O8', not float32"),
        ({"frames": FRAMES}, "this is a single NumPy array"),
    ],
)
def test_unsuitable_arrays_are_refused(arrays, message, tmp_path):
    np.savez(tmp_path / "data.npz", **arrays)
    assert message in refusal(tmp_path / "data.npz")


def npz(path, **contents):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(f"{name}.npy", data)
    return path


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_damaged_arrays_are_refused(tmp_path):
    frames, labels = npy(FRAMES), npy(LABELS)
    for damaged, message in (
        (b"", "is not a NumPy array"),
        (frames[:100], "is not a NumPy array"),
        (frames[:-1000], "the frames should take"),
        (frames + b"more", "the frames should take"),
        (frames.replace(b"'shape'", b"'shapf'"), "is not a NumPy array"),
        (frames.replace(b"'|u1'", b"'|x1'"), "is not a NumPy array"),
        (b"\x93NUMPY\x02\x00" + (2**32 - 1).to_bytes(4, "little") + b" " * 9000, "is not a NumPy array"),
        (b"\x93NUMPY\x01\x00\xff\x0f" + b"(" * 4000 + b" " * 95, "is not a NumPy array"),
    ):
        assert message in refusal(npz(tmp_path / "data.npz", frames=damaged, labels=labels))
    path = npz(tmp_path / "data.npz", frames=frames, labels=labels)
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
    assert "the zip file is damaged" in refusal(path)


@pytest.mark.promise("No memory is allocated for data that a file claims but does not contain")
def test_a_header_that_claims_much_uses_little_memory(tmp_path):
    claimed = b"\x93NUMPY\x02\x00" + (2**28).to_bytes(4, "little") + bytes(2**28)
    path = npz(tmp_path / "data.npz", frames=claimed, labels=npy(LABELS))
    tracemalloc.start()
    try:
        assert "is not a NumPy array" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()
