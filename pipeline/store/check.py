"""Whether an HDF5 file is one that `store_writer` wrote: all that is looked at before any of its data is read.

HDF5 follows links and raw data to other files, fills in what is not stored, and leaves out checksums where the file says
so. None of that is let pass here, so that what is read afterwards lies in the file, with its checksums, and takes no more
memory than the file is long.
"""

import array
import math
import os

import h5py
import numpy as np

from command_line.user_error import UserError
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.layout import FORMAT, FORMAT_VERSION, dataset_layouts

CHECKSUM_BYTES = 4
LARGEST_CHUNK = 1 << 24


def damaged(path, what):
    """The UserError that says what is wrong with the file at this path."""
    return UserError(f"{path}: damaged ({what}); convert the pickle again")


def checked_datasets(path, file):
    """The four data sets of an open h5py.File, by name, and their SequenceShape.

    Raises UserError where one is not what the layout says.
    """
    try:
        _check_format(path, file)
        shape = _shape_of(file)
        layouts = dataset_layouts(shape)
        datasets = {name: _checked_dataset(path, file, name, *layouts[name][:2]) for name in layouts}
    except UserError:
        raise
    except Exception as error:  # h5py meets damage with errors of every kind.
        raise damaged(path, "what describes its contents cannot be read") from error
    sequences, labels, videos = (datasets[name].shape[0] for name in ("sequences", "labels", "videos"))
    if not sequences == labels == videos > 0:
        raise damaged(path, "sequences, labels and videos differ in number or are none")
    return datasets, shape


def text_attribute(file, name):
    """An attribute of the file as text, at most 100 printable characters; None if there is none, "" if it is no text."""
    if name not in file.attrs:
        return None
    attribute = file.attrs.get_id(name)
    if attribute.shape != () or h5py.check_string_dtype(attribute.dtype) is None:
        return ""
    text = file.attrs[name]
    return ascii(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))[1:-1][:100]


def _check_format(path, file):
    if not {"format", "format_version"} <= set(file.attrs) or not _is_ours(file):
        raise UserError(
            f"{path}: an HDF5 file, but not one that convert_pkl_to_h5.py wrote; convert the pickle with it"
        )
    attribute = file.attrs.get_id("format_version")
    is_number = attribute.shape == () and attribute.dtype.kind in "iu"
    version = int(file.attrs["format_version"]) if is_number else "unknown"
    if version != FORMAT_VERSION:
        raise UserError(
            f"{path}: format version {version}, this program reads version {FORMAT_VERSION}; convert the pickle again"
        )


def _is_ours(file):
    # A text of any length, as earlier files have, lies in a heap, and a damaged one can keep HDF5 busy for ever.
    attribute = file.attrs.get_id("format")
    kind = h5py.check_string_dtype(attribute.dtype)
    if kind is None or attribute.shape != ():
        return False
    return kind.length is None or text_attribute(file, "format") == FORMAT


def _shape_of(file):
    """The SequenceShape that frames and labels have, each the course's where it has none."""
    length, height, width = COURSE_SHAPE
    shapes = {name: _shape_in(file, name) for name in ("frames", "labels")}
    if len(shapes["frames"]) == 4 and min(shapes["frames"][1:]) > 0:
        height, width = shapes["frames"][1:3]
    if len(shapes["labels"]) == 4 and shapes["labels"][1] > 0:
        length = shapes["labels"][1]
    return SequenceShape(length, height, width)


def _shape_in(file, name):
    """The shape of a data set that lies in this file, () where there is none."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        return ()
    return file[name].shape or ()


def _checked_dataset(path, file, name, shape, dtype):
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise damaged(path, f"{name} is missing" if link is None else f"{name} is a link to elsewhere")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise damaged(path, f"{name} is missing")
    if dataset.dtype != dtype or dataset.shape is None or dataset.shape[1:] != shape or dataset.ndim != len(shape) + 1:
        found = f"{dataset.dtype} {dataset.shape}"[:100]
        raise damaged(path, f"{name} is {found}, expected {np.dtype(dtype)} (N, {shape})")
    _check_storage(path, dataset, name)
    return dataset


def _check_storage(path, dataset, name):
    """Raises UserError unless each chunk is whole, has its checksum, and lies in a place of its own in this file."""
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(number)[0] for number in range(creation.get_nfilters())]
    if creation.get_layout() != h5py.h5d.CHUNKED or filters != [h5py.h5z.FILTER_FLETCHER32]:
        raise damaged(path, f"{name} is not stored in chunks with Fletcher-32 checksums alone")
    chunk_shape = creation.get_chunk()
    chunk_bytes = math.prod(chunk_shape) * dataset.dtype.itemsize + CHECKSUM_BYTES
    if chunk_shape[1:] != dataset.shape[1:] or chunk_bytes > LARGEST_CHUNK:
        raise damaged(path, f"{name} is in chunks of another shape, {chunk_shape}")
    count = -(-dataset.shape[0] // chunk_shape[0])
    if count * chunk_bytes > os.path.getsize(path) or dataset.id.get_storage_size() != count * chunk_bytes:
        raise damaged(path, f"the file does not hold the {dataset.shape[0]} rows of {name}")
    _check_places(path, dataset, name, count, chunk_bytes)


def _check_places(path, dataset, name, count, chunk_bytes):
    rows, places = array.array("q"), array.array("q")

    def look(chunk):
        is_whole = chunk.size == chunk_bytes and chunk.filter_mask == 0 and not any(chunk.chunk_offset[1:])
        rows.append(chunk.chunk_offset[0] if is_whole else -1)
        places.append(chunk.byte_offset)

    dataset.id.chunk_iter(look)
    expected = np.arange(count) * dataset.chunks[0]
    is_apart = np.diff(np.sort(np.frombuffer(places, np.int64))) >= chunk_bytes
    if not np.array_equal(np.sort(np.frombuffer(rows, np.int64)), expected) or not is_apart.all():
        raise damaged(path, f"the chunks of {name} are not where they belong")
