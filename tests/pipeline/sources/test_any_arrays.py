"""Any valid arrays are read back bit for bit after they are pickled and converted."""

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.sources.pickle_conversion import convert_pickle
from pipeline.store.reader import SequenceStore
from tests.pipeline.sources.pickles import pickled

LARGEST = float(np.finfo(np.float32).max)
FINITE = {
    4: st.floats(width=32, allow_nan=False, allow_infinity=False),
    8: st.floats(-LARGEST, LARGEST),
}


@st.composite
def frames_and_labels(draw):
    """Frames (N, 10, 64, 64, 3) with arbitrary repetitions, and labels (N, 10, 7, 2) of arbitrary finite numbers."""
    count = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    different = random.integers(0, 256, (draw(st.integers(1, 12)), 64, 64, 3), dtype=np.uint8)
    frames = different[draw(arrays(np.int64, (count, 10), elements=st.integers(0, len(different) - 1)))]
    dtype = np.dtype(draw(st.sampled_from(["<f4", ">f4", "<f8", ">f8"])))
    labels = draw(arrays(dtype, (count, 10, 7, 2), elements=FINITE[dtype.itemsize]))
    return frames.view(draw(st.sampled_from([np.uint8, np.int8]))), labels


@pytest.mark.promise("Converted data equals the pickled arrays, bit for bit (float64 labels are rounded to float32)")
@settings(max_examples=40, deadline=None)
@given(
    frames_and_labels(),
    st.sampled_from([2, 3, 4, 5]),
    st.sampled_from(["numpy.core", "numpy._core"]),
    st.sampled_from([None, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_any_arrays_come_back_as_they_were(tmp_path_factory, made, protocol, package, compression):
    frames, labels = made
    source, destination = (tmp_path_factory.getbasetemp() / name for name in ("any.pkl", "any.h5"))
    contents = pickled(made, protocol, package)
    if compression is None:
        source.write_bytes(contents)
    else:
        with zipfile.ZipFile(source, "w", compression, compresslevel=1) as archive:
            archive.writestr("any.pkl", contents)
    convert_pickle(source, destination)
    with SequenceStore(destination) as store:
        read_frames, read_labels = store.read_sequences(np.arange(len(store)))
    assert read_frames.tobytes() == frames.tobytes()
    assert read_labels.tobytes() == labels.astype(np.float32).tobytes()
