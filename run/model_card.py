"""The model card of a run: what the model is for, what it was trained on, and its limits."""

from __future__ import annotations

import numpy as np

from pipeline.store.reader import SequenceStore
from report.provenance import date, weights_sha256
from run.data import RunData
from run.folder import RunPaths
from run.settings import Settings
from support.version import VERSION

LIMITS = (
    "It expects one person, about as large in the frame as the people in the training videos. It outputs a position "
    "for every joint, also for one that is hidden or outside the frame. On people, clothes and cameras unlike those of "
    "the validation sequences, expect larger errors."
)


def model_card(
    paths: RunPaths, data: RunData, settings: Settings, precision: str, verdict: str
) -> list[tuple[str, str]]:
    """Pairs of a name and a text. precision: "float32" or "bfloat16". verdict: on the assignment's requirements.

    Errors by joint and by video, and the machine, are in other parts of the report.
    """
    training = f"{len(np.unique(data.training))} sequences of {_files(data.store)}"
    held_out = f"of the same data, split: {settings.validation_split}"
    if data.validation_store is not data.store:
        held_out = f"of {_files(data.validation_store)}"
    augmentation = ", ".join(settings.augment) or "none"
    return [
        ("purpose", f"Locates seven upper-body joints of a person in {data.store.shape}."),
        ("requirements", verdict),
        ("network", f"CNN {settings.network}, LSTM with {settings.num_units} units, one linear layer"),
        ("training data", f"{training}; augmentation: {augmentation}"),
        ("validation data", f"{len(data.validation)} sequences {held_out}"),
        ("people", _people(data)),
        ("limits", LIMITS),
        ("seed", str(settings.seed)),
        ("precision", precision),
        ("version", f"video-pose-trainer {VERSION}"),
        ("SHA-256 of the weights", weights_sha256(paths.model) or "no weights"),
        ("SHA-256 of the data's source", data.store.source_sha256 or "unknown"),
        date(),
    ]


def _files(store: SequenceStore) -> str:
    """The names, without folders, of the store's files and of what they were converted from."""
    return ", ".join(f"{part.name} (converted from {part.source_name or 'unknown'})" for part in store.parts)


def _people(data: RunData) -> str:
    """How many people are on each side, if each video shows one person."""
    training = np.unique(data.store.videos[data.training])
    validation = np.unique(data.validation_store.videos[data.validation])
    people = f"{len(training)} in the training data and {len(validation)} in the validation data"
    if data.store is data.validation_store:
        people += f", {len(np.intersect1d(training, validation))} in both"
    return f"{people}, if each video shows another person"
