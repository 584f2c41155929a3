"""The layout of a data set's HDF5 file, which `writer` writes, `check` checks and `reader` reads.

    /frames     (F, 64, 64, 3) uint8    each different frame once, in order of first appearance
    /sequences  (N, 10) int32           the frame numbers of each sequence
    /labels     (N, 10, 7, 2) float32   x, y in pixels, joints in the order of the attribute `joints`
    /videos     (N,) int32              the video of each sequence, numbered from 0

10, 64 and 64 are the course's; other files may have other numbers. If the source does not name the videos, sequences
that share a frame, directly or through others, are of the same video.

All four data sets are stored in chunks of whole rows, with Fletcher-32 checksums and no other filter. The file has the
format of HDF5 1.10, in which the metadata has checksums too; files in an earlier format, without these, can be read.

Attributes of the file: `format`, `format_version`, `source_name`, `source_size` in bytes, `source_sha256`, `joints`.
"""

from typing import NamedTuple

import numpy as np

from pipeline.sequence_shape import SequenceShape

FORMAT = "pose sequences"
FORMAT_VERSION = 1
HDF5_FORMAT = "v110"
FRAMES_PER_CHUNK = 5
SEQUENCES_PER_CHUNK = 64


class DatasetLayout(NamedTuple):
    """The layout of one data set in the file. shape, dtype: of a row."""

    shape: tuple[int, ...]
    dtype: np.dtype
    rows_per_chunk: int


def dataset_layouts(shape: SequenceShape) -> dict[str, DatasetLayout]:
    """The layouts of all data sets, by name."""
    return {
        "frames": DatasetLayout(shape.frame, np.dtype(np.uint8), FRAMES_PER_CHUNK),
        "sequences": DatasetLayout((shape.length,), np.dtype(np.int32), SEQUENCES_PER_CHUNK),
        "labels": DatasetLayout(shape.labels, np.dtype(np.float32), SEQUENCES_PER_CHUNK),
        "videos": DatasetLayout((), np.dtype(np.int32), SEQUENCES_PER_CHUNK),
    }
