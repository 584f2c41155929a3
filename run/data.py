"""The data of a training run: its files, opened and split, and their description."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.monitored_sequences import monitored_sequences
from pipeline.demo.data import write_demo_pickle
from pipeline.mean_pose import mean_pose
from pipeline.sequence_shape import COURSE_SHAPE, SIZE_STEP
from pipeline.sources.pickle_conversion import convert_pickle
from pipeline.split import split_data_sets
from pipeline.store.frame_sharing import count_sharing_frames
from pipeline.store.joined_store import JoinedStore, require_same_shape
from pipeline.store.reader import SequenceStore
from run.data_choice import chosen_sequences, data_files
from run.folder import RunPaths
from run.settings import Settings
from support.text import counted
from support.user_error import UserError

# Many people with few frames each, because a network learns to generalize from the number of people.
DEMO_VIDEOS = 1000
DEMO_FRAMES_PER_VIDEO = 12


@dataclass(frozen=True)
class RunData:
    """Two open SequenceStores, possibly the same, and the numbers of the sequences used of each, int (N,)."""

    paths: list[str]  # of the training files
    weights: list[int]  # of the training files: how many times an epoch contains each of their sequences
    store: SequenceStore  # of the only training file, or a JoinedStore
    training: np.ndarray  # sequences of files with a weight are repeated
    validation_store: SequenceStore
    validation: np.ndarray
    monitored: np.ndarray  # the validation sequences that are scored during training
    mean_pose: np.ndarray  # of the training sequences, float32 (7, 2) pixels
    validates_on_training: bool  # whether the validation sequences are trained on too


@dataclass(frozen=True)
class DataIdentity:
    """What config.json records of the data, so that a run resumes on the same data."""

    data_sha256: str  # of the source that was converted; of several files, all of them, with their weights
    validation_data_sha256: str
    trained_sequences: int
    validated_sequences: int
    sequence_shape: list[int]


def open_run_data(settings: Settings, paths: RunPaths, open_files: contextlib.ExitStack) -> RunData:
    """Opens the data sets that the settings name, on the ExitStack `open_files`, and splits them.

    paths: of the run, whose folder gets the demo's data. Raises UserError if a file is not a data set, or if the split
    leaves one side empty.
    """
    files = data_files(settings.data if settings.data is not None else _demo_data(paths))
    parts = [open_files.enter_context(_opened(file.path, "--data", paths)) for file in files]
    store = parts[0] if len(parts) == 1 else JoinedStore(parts)
    chosen = chosen_sequences(parts, settings.videos, settings.exclude_videos)
    if settings.validation_data is None:
        validation_store = store
        videos = [part.videos[sequences] for part, sequences in zip(parts, chosen, strict=True)]
        split = split_data_sets(videos, settings.validation_split, settings.validation_sequences, settings.seed)
        trained, validated = ([one[places] for one, places in zip(chosen, side, strict=True)] for side in split)
        validation = _in_joined_store(parts, validated, [1] * len(parts))
    else:
        validation_store = open_files.enter_context(_opened(settings.validation_data, "--validation-data", paths))
        trained, validation = chosen, np.arange(len(validation_store), dtype=np.int32)
    check_shapes(store, validation_store)
    weights = [file.weight for file in files]
    training = _in_joined_store(parts, trained, weights)
    return RunData(
        [file.path for file in files],
        weights,
        store,
        training,
        validation_store,
        validation,
        monitored_sequences(validation_store, validation),
        mean_pose(store, training),
        validates_on_training=settings.validation_data is None and settings.validation_split == "none",
    )


def _in_joined_store(
    parts: Sequence[SequenceStore], sequences: Sequence[np.ndarray], weights: Sequence[int]
) -> np.ndarray:
    """Sequence numbers of each part, as those of the joined store, each repeated as often as its part's weight."""
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    repeated = [np.repeat(one + start, weight) for one, start, weight in zip(sequences, starts, weights, strict=True)]
    return np.concatenate(repeated).astype(np.int32)


def _opened(path: str, option: str, paths: RunPaths) -> SequenceStore:
    """The data set at `path`. Raises UserError or OSError; for a run that is resumed, it names the option to use."""
    try:
        return SequenceStore(path)
    except FileNotFoundError:
        if not os.path.exists(paths.config):
            raise
        raise UserError(f"{path} does not exist; if the data of the run have moved, add {option} NEW_PATH") from None


def check_shapes(store: SequenceStore, validation_store: SequenceStore) -> None:
    """Raises UserError if the networks do not accept the size of the frames, or if the two stores differ in shape."""
    if store.shape.height % SIZE_STEP or store.shape.width % SIZE_STEP:
        raise UserError(
            f"{store.path} has {store.shape}; height and width must be multiples of {SIZE_STEP}, "
            "so convert it again with such a --size"
        )
    require_same_shape(validation_store, store)


def _demo_data(paths: RunPaths) -> str:
    """Draws the demo's people as a pickle in the course's format and converts it; returns the HDF5 file's path."""
    if not os.path.exists(paths.demo_data):
        os.makedirs(paths.out, exist_ok=True)
        write_demo_pickle(paths.demo_pickle, DEMO_VIDEOS, DEMO_FRAMES_PER_VIDEO, seed=0)
        convert_pickle(paths.demo_pickle, paths.demo_data)
        print(f"drew {paths.demo_pickle} and converted it to {paths.demo_data}")
    return paths.demo_data


def describe_run_data(settings: Settings, data: RunData) -> str:
    """Lines on both sides of the split, on the frames they share, and on what the validation error measures.

    One more line if the sequences do not have the assignment's shape.
    """
    shared = count_sharing_frames(data.store, data.training, data.validation_store, data.validation)
    videos = len(np.unique(data.store.videos[data.training]))
    validation_videos = len(np.unique(data.validation_store.videos[data.validation]))
    source = os.path.basename(settings.validation_data or "") or f"split: {settings.validation_split}"
    lines = [
        f"training:       {counted(len(np.unique(data.training)), 'sequence')} from {counted(videos, 'video')}",
        *(f"                {line}" for line in describe_mixture(data)),
        f"validation:     {counted(len(data.validation), 'sequence')} from {counted(validation_videos, 'video')} "
        f"({source}); {shared} share frames with training",
        f"evaluations:    during training on {len(data.monitored)} of the validation sequences, at the end on all",
        f"measures:       {measured_by_validation(settings, data, shared)}",
    ]
    if data.store.shape != COURSE_SHAPE:
        lines.append(
            f"note:           the data set has {data.store.shape}; the assignment requires {COURSE_SHAPE}, "
            "so this model cannot be handed in"
        )
    return "\n".join(lines)


def describe_mixture(data: RunData) -> list[str]:
    """A line for each training file, with its share of an epoch; none for a single file without a weight."""
    if data.weights == [1]:
        return []
    ends = np.cumsum([len(part) for part in data.store.parts])
    parts_of_training = np.searchsorted(ends, data.training, side="right")
    holds_out = data.validation_store is data.store and not data.validates_on_training
    parts_of_held_out = np.searchsorted(ends, data.validation, side="right") if holds_out else np.empty(0, int)
    lines = []
    for number, (part, weight) in enumerate(zip(data.store.parts, data.weights, strict=True)):
        trained = data.training[parts_of_training == number]
        held_out = int((parts_of_held_out == number).sum())
        videos = np.unique(data.store.videos[trained])
        line = f"{part.name}: {counted(len(trained) // weight, 'sequence')} from {counted(len(videos), 'video')}"
        line += f" ({videos[0]} to {videos[-1]} in reports)" if len(ends) > 1 else ""
        line += f", {100 * len(trained) / len(data.training):.0f} % of an epoch"
        line += f", each {weight} times" if weight > 1 else ""
        lines.append(line + (f"; {held_out} held out" if held_out else ""))
    return lines


def measured_by_validation(settings: Settings, data: RunData, shared: int) -> str:
    """What an error on the validation sequences measures; `shared` of them share frames with training."""
    if data.validates_on_training:
        return (
            "memorization: no data is held out. A run with --validation-split video measures the error on people "
            "who are not in the training data"
        )
    if shared:
        return "memorization, not accuracy on new people: validation frames are trained on"
    if settings.validation_data is None and settings.validation_split == "video":
        return (
            "accuracy on people who are not in the training data. It is slightly optimistic, because some of these "
            "sequences select the best checkpoint"
        )
    return "accuracy on frames that are not in the training data, of people who may be in it"


def data_identity(data: RunData) -> DataIdentity:
    """The identity of a run's data."""
    return DataIdentity(
        _weighted_sha256(data),
        data.validation_store.source_sha256,
        len(data.training),
        len(data.validation),
        list(data.store.shape),
    )


def _weighted_sha256(data: RunData) -> str:
    """The SHA-256 of each file's source, with its weight unless that is 1: "AB…, CD… ×3"."""
    digests = [part.source_sha256 for part in data.store.parts]
    weights = [f" ×{weight}" if weight > 1 else "" for weight in data.weights]
    return ", ".join(digest + weight for digest, weight in zip(digests, weights, strict=True))


def check_same_data(config: Mapping[str, Any], identity: DataIdentity) -> None:
    """Raises UserError if the data of a resumed run are not those that its config.json records."""
    if any(config.get(name) != value for name, value in vars(identity).items()):
        raise UserError("the data set differs from the one that the run was started with; give that one with --data")
