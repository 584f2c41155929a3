"""The layout of a data set's HDF5 file, which `writer` writes, `check` checks and `reader` reads.

    /frames      (F, 64, 64, 3) uint8    each distinct frame once, in order of first appearance
    /digests     (F, 16) uint8           the first half of the SHA-256 digest of each frame's bytes
    /sequences   (N, 10) int32           the frame numbers of each sequence
    /labels      (N, 10, 7, 2) float32   x, y in pixels, joints in the order of the attribute `joints`
    /videos      (N,) int32              the video of each sequence, numbered from 0
    /label_sums  (V, 7, 2) float64       for each video, the sum of `labels` over its sequences and their frames

The numbers 10, 64 and 64 are the course's; other files may have others. If the source does not name the videos,
sequences that share a frame, directly or through other sequences, belong to the same video. Files of version 1 have
neither `digests` nor `label_sums`; they are read too.

All data sets are stored in chunks of whole rows, with Fletcher-32 checksums and no other filter. The file has the
format of HDF5 1.10, in which the metadata has checksums too. Files in an earlier format, without these, can be read.

Attributes of the file: `format`, `format_version`, `source_name`, `source_size` in bytes, `source_sha256`, `joints`.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from pipeline.sequence_shape import SequenceShape

FORMAT = "pose sequences"
FORMAT_VERSION = 2
READABLE_VERSIONS = (1, 2)
HDF5_FORMAT = "v110"
DIGEST_BYTES = 16

# An epoch of training reads runs of about 100 to 400 consecutive frames and their labels. In the chunks at both ends of
# a run, some rows are read in vain: one frame a run with chunks of 2 frames, 1 % of 100, and four with chunks of 5. A
# run of 100 frames from the disk cache takes 1.15 ms in chunks of 1 frame, 0.93 ms in chunks of 2 and 0.79 ms in chunks
# of 5. The file's size differs by less than 0.1 %.
FRAMES_PER_CHUNK = 2
LABELS_PER_CHUNK = 16
# For small data sets, which are read completely or nearly so.
ROWS_PER_CHUNK = 1024


@dataclass(frozen=True)
class DatasetLayout:
    """The layout of one data set in the file."""

    shape: tuple[int, ...]  # of a row
    dtype: np.dtype
    rows_per_chunk: int


def dataset_layouts(shape: SequenceShape, version: int = FORMAT_VERSION) -> dict[str, DatasetLayout]:
    """The layouts of all data sets in a file of this version, by name."""
    layouts = {
        "frames": DatasetLayout(shape.frame, np.dtype(np.uint8), FRAMES_PER_CHUNK),
        "sequences": DatasetLayout((shape.length,), np.dtype(np.int32), ROWS_PER_CHUNK),
        "labels": DatasetLayout(shape.labels, np.dtype(np.float32), LABELS_PER_CHUNK),
        "videos": DatasetLayout((), np.dtype(np.int32), ROWS_PER_CHUNK),
    }
    if version > 1:
        layouts["digests"] = DatasetLayout((DIGEST_BYTES,), np.dtype(np.uint8), ROWS_PER_CHUNK)
        layouts["label_sums"] = DatasetLayout(shape.labels[1:], np.dtype(np.float64), LABELS_PER_CHUNK)
    return layouts


def frame_digest(frame: np.ndarray) -> bytes:
    """The digest of a frame, an array in C order, as in `/digests`: DIGEST_BYTES bytes.

    Processors with instructions for SHA-256 compute it in half the time of BLAKE2b, which could give 16 bytes directly.
    """
    return hashlib.sha256(frame.data).digest()[:DIGEST_BYTES]
