"""Grain over an ArrayRecord file of whole sequences, shuffled globally.

Written after https://google-grain.readthedocs.io/en/latest/tutorials/dataset_basic_tutorial.html and
https://google-grain.readthedocs.io/en/latest/tutorials/data_sources/arrayrecord_data_source_tutorial.html. The
default compression would make the file a quarter smaller and halve the speed.
"""

from __future__ import annotations

import os
from functools import partial

import grain
import numpy as np
from array_record.python.array_record_module import ArrayRecordWriter

from bench.peers.task import SEED, Delivery, Task, read_all_sequences
from pipeline.sequence_shape import SequenceShape

FILE_NAME = "sequences.array_record"
# For random access, a record is a group: https://github.com/google/array_record/blob/main/docs/core_concepts.md
WRITER_OPTIONS = "group_size:1,uncompressed"
LEAST_PREFETCHED_BATCHES = 4


def write(data: str, folder: str) -> None:
    """Writes a record for each sequence of a store: the bytes of its frames, then those of its labels."""
    writer = ArrayRecordWriter(os.path.join(folder, FILE_NAME), WRITER_OPTIONS)
    for block in read_all_sequences(data, "writing ArrayRecord"):
        for frames, labels in zip(*block, strict=True):
            writer.write(frames.tobytes() + labels.tobytes())
    writer.close()


def deliver(task: Task) -> Delivery:
    """Delivers batches as NumPy arrays, read by as many threads as there are cores beside the one that trains."""
    source = grain.sources.ArrayRecordDataSource(os.path.join(task.folder, FILE_NAME))
    sequences = grain.MapDataset.source(source).shuffle(seed=SEED).map(partial(_parse, task.shape)).repeat()
    threads = max(1, (os.cpu_count() or 1) - 1)
    options = grain.ReadOptions(threads, prefetch_buffer_size=max(LEAST_PREFETCHED_BATCHES, threads))
    batches = iter(sequences.batch(task.batch_size).to_iter_dataset(options))
    return Delivery(partial(next, batches), partial(next, batches))


def _parse(shape: SequenceShape, record: bytes) -> tuple[np.ndarray, np.ndarray]:
    frame_bytes = int(np.prod(shape.frames))
    frames = np.frombuffer(record, np.uint8, frame_bytes).reshape(shape.frames)
    return frames, np.frombuffer(record, np.float32, offset=frame_bytes).reshape(shape.labels)
