"""The layout of a data set's HDF5 file, which `writer` writes, `check` checks and `reader` reads.

    /frames      (F, 64, 64, 3) uint8    each distinct frame once, in order of first appearance
    /checksums   (F,) uint64             XXH3, 64 bits, of each frame's bytes
    /digests     (F, 16) uint8           the first half of the SHA-256 digest of each frame's bytes
    /sequences   (N, 10) int32           the frame numbers of each sequence
    /labels      (N, 10, 7, 2) float32   x, y in pixels, joints in the order of the attribute `joints`
    /videos      (N,) int32              the video of each sequence, numbered from 0
    /label_sums  (V, 7, 2) float64       for each video, the sum of `labels` over its sequences and their frames

The numbers 10, 64 and 64 are the course's; other files may have others. If the source does not name the videos,
sequences that share a frame, directly or through other sequences, belong to the same video. Files of version 2 have no
`checksums`, and those of version 1 neither `digests` nor `label_sums`; both are read too.

All data sets are stored in chunks of whole rows, with Fletcher-32 checksums and no other filter, except for the frames
from version 3 on. Training reads frames every epoch. XXH3 takes 1 µs for a frame, HDF5's Fletcher-32 3 to 6 µs.
Without a filter, frames that follow one another are read at once into the array that TensorFlow gets. The file has the
format of HDF5 1.10, in which the metadata has checksums too. Files in an earlier format, without these, can be read.

Attributes of the file: `format`, `format_version`, `source_name`, `source_size` in bytes, `source_sha256`, `joints`.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import xxhash

from pipeline.sequence_shape import SequenceShape

FORMAT = "pose sequences"
FORMAT_VERSION = 3
READABLE_VERSIONS = (1, 2, 3)
HDF5_FORMAT = "v110"
DIGEST_BYTES = 16
CHECKSUM_BYTES = 4  # of Fletcher-32, after the rows of a chunk

# Larger chunks mean fewer offsets to check and keep, 4 µs and 8 bytes each, but the last chunk takes its whole size.
LARGEST_CHUNK_OF_FRAMES = 1 << 18
MOST_FRAMES_PER_CHUNK = 16
LABELS_PER_CHUNK = 16
# For small data sets, which are read completely or nearly so.
ROWS_PER_CHUNK = 1024


@dataclass(frozen=True)
class DatasetLayout:
    """The layout of one data set in the file."""

    shape: tuple[int, ...]  # of a row
    dtype: np.dtype
    rows_per_chunk: int
    has_fletcher32: bool = True

    def chunk_bytes(self, rows: int) -> int:
        """The bytes in the file of a chunk of this number of rows."""
        return rows * math.prod(self.shape) * self.dtype.itemsize + self.has_fletcher32 * CHECKSUM_BYTES


def dataset_layouts(shape: SequenceShape, version: int = FORMAT_VERSION) -> dict[str, DatasetLayout]:
    """The layouts of all data sets in a file of this version, by name."""
    layouts = {
        "frames": DatasetLayout(shape.frame, np.dtype(np.uint8), _frames_per_chunk(shape), version < 3),
        "sequences": DatasetLayout((shape.length,), np.dtype(np.int32), ROWS_PER_CHUNK),
        "labels": DatasetLayout(shape.labels, np.dtype(np.float32), LABELS_PER_CHUNK),
        "videos": DatasetLayout((), np.dtype(np.int32), ROWS_PER_CHUNK),
    }
    if version > 1:
        layouts["digests"] = DatasetLayout((DIGEST_BYTES,), np.dtype(np.uint8), ROWS_PER_CHUNK)
        layouts["label_sums"] = DatasetLayout(shape.labels[1:], np.dtype(np.float64), LABELS_PER_CHUNK)
    if version > 2:
        layouts["checksums"] = DatasetLayout((), np.dtype(np.uint64), ROWS_PER_CHUNK)
    return layouts


def _frames_per_chunk(shape: SequenceShape) -> int:
    return min(max(1, LARGEST_CHUNK_OF_FRAMES // shape.samples.frame_bytes), MOST_FRAMES_PER_CHUNK)


def frame_checksums(frames: np.ndarray) -> np.ndarray:
    """The checksums of frames, uint8 (B, 64, 64, 3) in C order, as in `/checksums`: uint64 (B,)."""
    return np.array([xxhash.xxh3_64_intdigest(frame) for frame in frames], np.uint64)


def frame_digest(frame: np.ndarray) -> bytes:
    """The digest of a frame, an array in C order, as in `/digests`: DIGEST_BYTES bytes.

    Processors with instructions for SHA-256 compute it in half the time of BLAKE2b, which could give 16 bytes directly.
    """
    return hashlib.sha256(frame.data).digest()[:DIGEST_BYTES]
