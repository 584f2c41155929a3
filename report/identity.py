"""What a report is of: the model and the data by path and SHA-256, when it was made, and the contract's verdict."""

from __future__ import annotations

import datetime
import hashlib
import os

from model.export.found_model import find_model
from pipeline.store.reader import SequenceStore

BYTES_PER_READ = 1 << 20


def identity_of(model: str, store: SequenceStore, verdict: str) -> list[tuple[str, str]]:
    """Pairs of a name and a text, of a model's folder and an open store."""
    return [
        ("contract", verdict),
        ("model", model),
        ("SHA-256 of the weights", weights_sha256(find_model(model).folder) or "no weights"),
        *data_identity(store),
        date_identity(),
    ]


def data_identity(store: SequenceStore) -> list[tuple[str, str]]:
    """The pairs on an open store. Its SHA-256 is that of the file that was converted, which the store holds."""
    return [("data", store.path), ("SHA-256 of what the data were converted from", store.source_sha256 or "not known")]


def date_identity() -> tuple[str, str]:
    """The pair on the time at which it is called."""
    return "date", datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")


def weights_sha256(folder: str) -> str | None:
    """The SHA-256 of the files of weights in a folder, in the order of their names; None where there are none.

    Links and all else that is no file are passed over.
    """
    digest, names = hashlib.sha256(), []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if ".data-" in name and os.path.isfile(path) and not os.path.islink(path):
            names.append(name)
            with open(path, "rb") as file:
                while part := file.read(BYTES_PER_READ):
                    digest.update(part)
    return digest.hexdigest() if names else None
