"""What a data set's HDF5 file consists of; `store_writer` writes it and `store` reads it.

    /frames     (F, 64, 64, 3) uint8    each different frame once, in order of first appearance
    /sequences  (N, 10) int32           the frame numbers of each sequence
    /labels     (N, 10, 7, 2) float32   x, y in pixels, joints in the order of the attribute `joints`
    /videos     (N,) int32              the video that each sequence comes from, numbered from 0

Files that are not the course's may have other numbers in place of 10, 64 and 64. Where the source does not name the
videos, those sequences are of one that share a frame, directly or through others.

All four are in chunks of whole rows, with Fletcher-32 checksums and no other filter. The file is in HDF5's format of 1.10,
in which where the chunks lie and what else describes them has checksums too; earlier files without these are read as well.

Attributes of the file: `format`, `format_version`, `source_name`, `source_size` in bytes, `source_sha256`, `joints`.
"""

import numpy as np

FORMAT = "pose sequences"
FORMAT_VERSION = 1
HDF5_FORMAT = "v110"
FRAMES_PER_CHUNK = 5
SEQUENCES_PER_CHUNK = 64


def dataset_layouts(shape):
    """By name of the data set: shape and dtype of a row, and rows in a chunk. shape: SequenceShape."""
    return {
        "frames": (shape.frame, np.uint8, FRAMES_PER_CHUNK),
        "sequences": ((shape.length,), np.int32, SEQUENCES_PER_CHUNK),
        "labels": (shape.labels, np.float32, SEQUENCES_PER_CHUNK),
        "videos": ((), np.int32, SEQUENCES_PER_CHUNK),
    }
