"""The data of a training run: its files, opened and split, and their description."""

import contextlib
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from evaluation.monitored_sequences import monitored_sequences
from pipeline.demo.data import write_demo_pickle
from pipeline.mean_pose import mean_pose
from pipeline.sequence_shape import COURSE_SHAPE, SIZE_STEP, SequenceShape
from pipeline.sources.pickle_conversion import convert_pickle
from pipeline.split import split_sequences
from pipeline.store.frame_sharing import count_sharing_frames
from pipeline.store.reader import SequenceStore
from run.paths import RunPaths
from run.settings import Settings
from support.text import counted
from support.user_error import UserError

# Many people in few frames each, for it is people that a network learns to generalize from.
DEMO_VIDEOS = 1000
DEMO_FRAMES_PER_VIDEO = 12


class RunData(NamedTuple):
    """Two open SequenceStores, perhaps the same, and int (N,) sequence numbers in each.

    path: of the training file. watched: those of the validation sequences that are scored while it trains. mean_pose:
    float32 (7, 2) pixels, that of the training sequences. validates_on_training: whether the validation sequences are
    trained on too.
    """

    path: str
    store: SequenceStore
    training: np.ndarray
    validation_store: SequenceStore
    validation: np.ndarray
    watched: np.ndarray
    mean_pose: np.ndarray
    validates_on_training: bool


class DataIdentity(NamedTuple):
    """What config.json keeps of the data, so that a run is resumed on the same: SHA-256 of the sources, and counts."""

    data_sha256: str
    validation_data_sha256: str
    trained_sequences: int
    validated_sequences: int
    sequence_shape: list[int]


def open_run_data(settings: Settings, paths: RunPaths, open_files: contextlib.ExitStack) -> RunData:
    """Opens the data sets of the settings, on the ExitStack `open_files`, and splits them.

    paths: of the run, whose folder gets the demo's data. Raises UserError where a file is not a data set or the split
    leaves one side empty.
    """
    path = settings.data if settings.data is not None else _demo_data(paths)
    store = open_files.enter_context(SequenceStore(path))
    if settings.validation_data is None:
        validation_store = store
        training, validation = split_sequences(
            store.videos, settings.validation_split, settings.validation_sequences, settings.seed
        )
    else:
        validation_store = open_files.enter_context(SequenceStore(settings.validation_data))
        training, validation = np.arange(len(store), dtype=np.int32), np.arange(len(validation_store), dtype=np.int32)
    check_shapes(store, validation_store)
    watched = monitored_sequences(validation_store, validation)
    pose = mean_pose(store, training)
    trains_on_all = settings.validation_data is None and settings.validation_split == "none"
    return RunData(path, store, training, validation_store, validation, watched, pose, trains_on_all)


def check_shapes(store: SequenceStore, validation_store: SequenceStore) -> None:
    """Raises UserError where the networks do not take the size of the frames, or the two stores differ in shape."""
    if store.shape.height % SIZE_STEP or store.shape.width % SIZE_STEP:
        raise UserError(
            f"{store.path} holds {store.shape}; the networks take sizes that are multiples of {SIZE_STEP}, "
            "so convert it again with such a --size"
        )
    if store.shape != validation_store.shape:
        raise UserError(
            f"{validation_store.path} holds {validation_store.shape}, {store.path} {store.shape}; "
            "convert both with the same options"
        )


def _demo_data(paths: RunPaths) -> str:
    """Draws the demo's people as a pickle in the course's form and converts it; returns the HDF5 file's path."""
    if not os.path.exists(paths.demo_data):
        os.makedirs(paths.out, exist_ok=True)
        write_demo_pickle(paths.demo_pickle, DEMO_VIDEOS, DEMO_FRAMES_PER_VIDEO, seed=0)
        convert_pickle(paths.demo_pickle, paths.demo_data)
        print(f"drew {paths.demo_pickle} and converted it to {paths.demo_data}")
    return paths.demo_data


def describe_run_data(settings: Settings, data: RunData) -> str:
    """Lines on the sequences and videos on each side of the split, on shared frames, and on what is scored when.

    One more where the model will not be one to hand in.
    """
    shared = count_sharing_frames(data.store, data.training, data.validation_store, data.validation)
    videos = len(np.unique(data.store.videos[data.training]))
    validation_videos = len(np.unique(data.validation_store.videos[data.validation]))
    source = os.path.basename(settings.validation_data or "") or f"split by {settings.validation_split}"
    return (
        f"training on    {counted(len(data.training), 'sequence')} of {counted(videos, 'video')}\n"
        f"validating on  {counted(len(data.validation), 'sequence')} of {counted(validation_videos, 'video')} "
        f"({source}), {shared} of which share a frame with training\n"
        f"watching       {len(data.watched)} of these while it trains, and scoring all of them at the end\n"
        f"which tells    {_conclusion(settings, data, shared)}" + _misfit(data.store.shape)
    )


def _conclusion(settings: Settings, data: RunData, shared: int) -> str:
    """What a reader may conclude from an error on the validation sequences, of which so many share a frame."""
    if data.validates_on_training:
        return (
            "how well frames that were trained on are remembered; nobody was kept aside, so the error to expect on "
            "people never seen comes from runs that did, with --validation-split video"
        )
    if shared:
        return "how well frames that were trained on are remembered, and nothing of people never seen"
    if settings.validation_data is None and settings.validation_split == "video":
        return "the error to expect on people never seen; slightly optimistic: the watched ones choose the checkpoint"
    return "the error to expect on frames never seen, be they of people who were trained on or of others"


def _misfit(shape: SequenceShape) -> str:
    if shape == COURSE_SHAPE:
        return ""
    return f"\nsequences of   {shape}: the course's contract wants {COURSE_SHAPE}, so this model cannot be handed in"


def data_identity(data: RunData) -> DataIdentity:
    """The identity of a run's data."""
    return DataIdentity(
        data.store.source_sha256,
        data.validation_store.source_sha256,
        len(data.training),
        len(data.validation),
        list(data.store.shape),
    )


def check_same_data(config: Mapping[str, Any], data: RunData) -> None:
    """Raises UserError where the data of a resumed run are not those that its config.json names."""
    if any(config.get(name) != value for name, value in data_identity(data)._asdict().items()):
        raise UserError("the data set differs from the one that the run began with; resume it with that one")
