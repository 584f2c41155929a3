"""States which model and which data a report is about, and when it was made."""

from __future__ import annotations

import datetime
import hashlib
import os

import numpy as np

from model.export.found_model import find_model
from pipeline.store.reader import SequenceStore
from support.text import counted

BYTES_PER_READ = 1 << 20


def provenance(model: str, store: SequenceStore, verdict: str) -> list[tuple[str, str]]:
    """Pairs of a name and a value. model: its folder. store: open. verdict: on the assignment's requirements."""
    return [
        ("requirements", verdict),
        ("model", model),
        ("SHA-256 of the weights", weights_sha256(model) or "no weights"),
        *data_provenance(store),
        date(),
    ]


def data_provenance(store: SequenceStore) -> list[tuple[str, str]]:
    """The data's part of `provenance`. The SHA-256 is that of the file from which the store was converted."""
    return [("data", store.path), ("SHA-256 of the data's source file", store.source_sha256 or "unknown")]


def date() -> tuple[str, str]:
    """The current local time, as a part of `provenance`."""
    return "date", datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")


def weights_sha256(model: str) -> str | None:
    """The SHA-256 of the files of the weights of the model in a folder, or None if it cannot be loaded."""
    digest, paths = hashlib.sha256(), find_model(model).weight_files
    for path in paths:
        with open(path, "rb") as file:
            while part := file.read(BYTES_PER_READ):
                digest.update(part)
    return digest.hexdigest() if paths else None


def describe_scored_data(store: SequenceStore) -> str:
    """Describes the data of a model whose training data is unknown."""
    videos = counted(len(np.unique(store.videos)), "video")
    return (
        f"Scored on all {counted(len(store), 'sequence')} of {videos} in {os.path.basename(store.path)}. "
        "The mean pose is that of these sequences. "
        "It is unknown whether the model was trained on some of these frames or people."
    )
