"""Properties of the order of batches, for any files, weights, filters, window and batch size."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.batch_order import BatchOrder, steps_per_epoch
from pipeline.frame_window import ring_rows, rounds
from pipeline.sequence_shape import SequenceShape
from pipeline.store.joined_store import JoinedStore

SHAPE = SequenceShape(3, 1, 1)
FRAME_MEGABYTES = 3e-6


class MadeStore:
    """Stands for an open SequenceStore. Its frames and labels tell which frame of which file and sequence they are."""

    has_label_sums, shape = False, SHAPE
    source_name = source_sha256 = ""

    def __init__(self, number, frames_of_videos):
        starts = np.cumsum([0, *frames_of_videos])
        firsts = [np.arange(start, end - 2) for start, end in zip(starts[:-1], starts[1:], strict=True)]
        self.path = f"{number}.h5"
        self.number = number
        self.number_of_frames = int(starts[-1])
        self.videos = np.repeat(np.arange(len(firsts), dtype=np.int32), [len(first) for first in firsts])
        self.first_frames = np.concatenate(firsts).astype(np.int32)

    def __len__(self):
        return len(self.videos)

    def read_frame_numbers(self, indices):
        return (self.first_frames[indices][:, None] + np.arange(3)).astype(np.int32)

    def read_frames(self, numbers):
        values = [np.full(np.shape(numbers), self.number), np.asarray(numbers) // 256, np.asarray(numbers) % 256]
        return np.stack(values, axis=-1).astype(np.uint8)[..., None, None, :]

    def read_labels(self, indices):
        return np.broadcast_to(np.asarray(indices, np.float32)[:, None, None, None], (len(indices), 3, 7, 2))


@dataclass(frozen=True)
class Case:
    store: JoinedStore
    order: BatchOrder
    weights: Counter  # how many times each of the chosen sequences belongs in an epoch, by its number

    def batches(self, first_step, number):
        """The batches from a step on, as a new process reads them: frames and labels, from NumPy's own window.

        The frames of a round are written before the batches of the one before are gathered.
        """
        order = replace(self.order, first_step=first_step)
        window = np.zeros((ring_rows(order, SHAPE.samples), 1, 1, 3), np.uint8)
        drawn, before = [], None
        for round_ in rounds(self.store, order, SHAPE.samples):
            window[round_.new_rows] = round_.new_frames
            if before:
                drawn += [(window[rows], labels) for rows, labels in zip(before.rows, before.labels, strict=True)]
            if len(drawn) >= number:
                return drawn[:number]
            before = round_


@st.composite
def cases(draw):
    sizes = st.lists(st.integers(3, 60), min_size=1, max_size=8)
    store = JoinedStore(
        [MadeStore(number, one) for number, one in enumerate(draw(st.lists(sizes, min_size=1, max_size=3)))]
    )
    weights = Counter()
    for video in range(int(store.videos.max()) + 1):
        weight = draw(st.sampled_from([0, 1, 1, 2, 5]))
        weights.update({int(one): weight for one in np.flatnonzero(store.videos == video)})
    weights = +weights or Counter({0: 1})
    indices = np.repeat(np.fromiter(weights.keys(), np.int32), np.fromiter(weights.values(), int))
    megabytes = draw(st.integers(0, 400)) * FRAME_MEGABYTES
    order = BatchOrder(indices, draw(st.integers(1, 40)), draw(st.integers(0, 2**31 - 1)), 0, megabytes)
    return Case(store, order, weights)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_each_sequence_is_used_once_per_epoch_and_weight(case):
    steps = steps_per_epoch(len(case.order.indices), case.order.batch_size)
    starts = np.cumsum([0, *(len(part) for part in case.store.parts)])
    batches = case.batches(0, 2 * steps)
    for epoch in range(2):
        used = Counter()
        for frames, labels in batches[epoch * steps : (epoch + 1) * steps]:
            files, in_file = frames[:, 0, 0, 0, 0], labels[:, 0, 0, 0].astype(int)
            used.update((starts[files] + in_file).tolist())
            for number, (file, sequence) in enumerate(zip(files, in_file, strict=True)):
                part = case.store.parts[file]
                expected = part.read_frames(part.read_frame_numbers(np.array([sequence])))[0]
                np.testing.assert_array_equal(frames[number], expected)
        assert used == case.weights


@settings(max_examples=25, deadline=None)
@given(cases(), st.data())
def test_a_run_that_is_resumed_twice_within_an_epoch_equals_an_uninterrupted_one(case, data):
    steps = steps_per_epoch(len(case.order.indices), case.order.batch_size)
    first = data.draw(st.integers(0, steps))
    second = data.draw(st.integers(first, steps + 1))
    whole = case.batches(0, steps + 2)
    pieces = [case.batches(0, first) if first else [], case.batches(first, second - first) if second > first else []]
    resumed = [*pieces[0], *pieces[1], *case.batches(second, steps + 2 - second)]
    assert len(resumed) == len(whole)
    for (frames, labels), (other_frames, other_labels) in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(frames, other_frames)
        np.testing.assert_array_equal(labels, other_labels)
