"""Checks that an HDF5 file is a store, before any of its data is read.

A malicious file can make HDF5 read other files through links or external storage, return data that is not stored, and
skip checksums. All of this is refused. Everything that is read afterwards is in the file itself, has checksums, and
takes no more memory than the size of the file.
"""

from __future__ import annotations

import array
import os

import h5py
import numpy as np

from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.chunked_rows import ChunkedRows
from pipeline.store.layout import FORMAT, READABLE_VERSIONS, DatasetLayout, dataset_layouts
from support.user_error import UserError

LARGEST_CHUNK = 1 << 24
LONGEST_TEXT = 4096


def damaged(path: str, what: str) -> UserError:
    """The UserError to raise if the file at this path is damaged. what: what is wrong with it."""
    return UserError(f"{path}: damaged ({what}); convert the data again")


def checked_datasets(path: str, file: h5py.File) -> tuple[dict[str, ChunkedRows], SequenceShape]:
    """All data sets of an open file, by name, and the shape of its sequences.

    Raises UserError if the file is not a store, or a data set is missing or does not have the expected layout. Memory:
    24 bytes for each chunk, of which 8 remain.
    """
    try:
        version = _checked_version(path, file)
        shape = _shape_of(file)
        layouts = dataset_layouts(shape, version)
        for name in dataset_layouts(shape).keys() - layouts.keys():
            if file.get(name, getlink=True) is not None:
                raise damaged(path, f"{name} is not part of format version {version}")
        if file.userblock_size:
            raise damaged(path, "other data precedes the HDF5 file")
        datasets = {name: _checked_dataset(path, file, name, layout) for name, layout in layouts.items()}
    except UserError:
        raise
    except Exception as error:  # h5py reports damage by exceptions of many types.
        raise damaged(path, "its metadata cannot be read") from error
    numbers = {name: dataset.number for name, dataset in datasets.items()}
    if not numbers["sequences"] == numbers["labels"] == numbers["videos"] > 0:
        raise damaged(path, "the numbers of sequences, labels and videos differ or are zero")
    for name in ("digests", "checksums"):
        if numbers.get(name, numbers["frames"]) != numbers["frames"]:
            raise damaged(path, f"the numbers of frames and of their {name} differ")
    return datasets, shape


def text_attribute(file: h5py.File, name: str) -> str | None:
    """An attribute of the file as at most 100 printable characters.

    Returns None if it is missing, "" if it is not short text.

    Text of variable length, which no release has written, is not read: HDF5 stores it in a heap, and a damaged heap can
    send HDF5 into an endless loop. Raises UserError if the attribute cannot be read, for instance because it has a type
    that NumPy lacks.
    """
    try:
        if name not in file.attrs:
            return None
        attribute = file.attrs.get_id(name)
        kind = h5py.check_string_dtype(attribute.dtype)
        if attribute.shape != () or kind is None or kind.length is None or kind.length > LONGEST_TEXT:
            return ""
        text = file.attrs[name]
    except Exception as error:  # h5py reports damage by exceptions of many types.
        raise damaged(file.filename, f"its attribute {name} cannot be read") from error
    return ascii(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))[1:-1][:100]


def _checked_version(path: str, file: h5py.File) -> int:
    if not {"format", "format_version"} <= set(file.attrs) or not _is_ours(file):
        raise UserError(
            f"{path}: an HDF5 file, but not one that convert_pkl_to_h5.py wrote; "
            "convert the data with convert_pkl_to_h5.py"
        )
    attribute = file.attrs.get_id("format_version")
    is_number = attribute.shape == () and attribute.dtype.kind in "iu"
    version = int(file.attrs["format_version"]) if is_number else None
    if version not in READABLE_VERSIONS:
        raise UserError(
            f"{path}: format version {version or 'unknown'}, this program reads versions "
            f"{', '.join(map(str, READABLE_VERSIONS[:-1]))} and {READABLE_VERSIONS[-1]}; convert the data again"
        )
    return version


def _is_ours(file: h5py.File) -> bool:
    attribute = file.attrs.get_id("format")
    kind = h5py.check_string_dtype(attribute.dtype)
    if kind is None or attribute.shape != ():
        return False
    # Text of variable length is not read, see text_attribute.
    return kind.length is None or text_attribute(file, "format") == FORMAT


def _shape_of(file: h5py.File) -> SequenceShape:
    """The shape of the sequences, from the shapes of frames and labels; the course's if these are malformed."""
    length, height, width = COURSE_SHAPE
    shapes = {name: _shape_in(file, name) for name in ("frames", "labels")}
    if len(shapes["frames"]) == 4 and min(shapes["frames"][1:]) > 0:
        height, width = shapes["frames"][1:3]
    if len(shapes["labels"]) == 4 and shapes["labels"][1] > 0:
        length = shapes["labels"][1]
    return SequenceShape(length, height, width)


def _shape_in(file: h5py.File, name: str) -> tuple[int, ...]:
    """The shape of a data set in this file, () if there is none."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        return ()
    return file[name].shape or ()


def _checked_dataset(path: str, file: h5py.File, name: str, layout: DatasetLayout) -> ChunkedRows:
    shape, dtype = layout.shape, layout.dtype
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise damaged(path, f"{name} is missing" if link is None else f"{name} is a link, not a data set")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise damaged(path, f"{name} is missing")
    if dataset.dtype != dtype or dataset.shape is None or dataset.shape[1:] != shape or dataset.ndim != len(shape) + 1:
        found = f"{dataset.dtype} {dataset.shape}"[:100]
        raise damaged(path, f"{name} is {found}, expected {dtype} (N, {shape})")
    offsets = _checked_offsets(path, dataset, name, layout)
    return ChunkedRows(dataset.shape[0], layout, dataset.chunks[0], offsets)


def _checked_offsets(path: str, dataset: h5py.Dataset, name: str, layout: DatasetLayout) -> np.ndarray:
    """The offset of each chunk in the file, int64 (C,).

    Raises UserError unless every chunk is complete, has the layout's checksum, is in this file and overlaps no other.
    """
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(number)[0] for number in range(creation.get_nfilters())]
    if creation.get_layout() != h5py.h5d.CHUNKED or filters != [h5py.h5z.FILTER_FLETCHER32] * layout.has_fletcher32:
        expected = "with Fletcher-32 checksums and no other filter" if layout.has_fletcher32 else "without filters"
        raise damaged(path, f"{name} is not stored in chunks {expected}")
    chunk_shape = creation.get_chunk()
    chunk_bytes = layout.chunk_bytes(chunk_shape[0])
    if chunk_shape[1:] != dataset.shape[1:] or chunk_bytes > LARGEST_CHUNK:
        raise damaged(path, f"{name} has chunks of the wrong shape, {chunk_shape}")
    count = -(-dataset.shape[0] // chunk_shape[0])
    file_bytes = os.path.getsize(path)
    if count * chunk_bytes > file_bytes or dataset.id.get_storage_size() != count * chunk_bytes:
        raise damaged(path, f"the file does not contain the {dataset.shape[0]} rows of {name}")
    rows, offsets = _complete_chunks(dataset, chunk_bytes)
    order = np.argsort(rows)
    ascending = np.append(np.sort(offsets), file_bytes)
    if (
        not np.array_equal(rows[order], np.arange(count) * chunk_shape[0])
        or not (np.diff(ascending) >= chunk_bytes).all()
        or ascending[0] < 0
    ):
        raise damaged(path, f"chunks of {name} are incomplete, missing or overlap")
    return offsets[order]


def _complete_chunks(dataset: h5py.Dataset, chunk_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each stored chunk and its offset in the file, int64 (C,); row -1 for incomplete chunks."""
    rows, offsets = array.array("q"), array.array("q")
    whole_rows = (0,) * (dataset.ndim - 1)

    # This takes most of the time to open a large file: 4 µs a chunk, of which h5py takes 3. It has no faster way.
    def add(chunk: h5py.h5d.StoreInfo) -> None:
        first, skipped_filters, offset, size = chunk
        is_complete = size == chunk_bytes and not skipped_filters and first[1:] == whole_rows
        rows.append(first[0] if is_complete else -1)
        offsets.append(offset)

    dataset.id.chunk_iter(add)
    return np.array(rows, np.int64), np.array(offsets, np.int64)
