"""Checks that all workers of a cluster train the same model: same data, program files and settings."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from model.session_config import tensorflow_version
from run.cluster.tf_config import Cluster
from run.data import DataIdentity
from run.settings import DATA_PATHS, Settings, option_of

ROOT = Path(__file__).parents[2]
# The code that determines what a training step computes.
PROGRAM = ("train.py", "model", "pipeline", "run")
IDENTITY = {
    "data_sha256": "the data (the SHA-256 of their source)",
    "validation_data_sha256": "the validation data (the SHA-256 of their source)",
    "trained_sequences": "the number of training sequences",
    "validated_sequences": "the number of validation sequences",
    "sequence_shape": "the shape of the sequences",
}
# The number of fingerprints is the same in every version of this project, so that versions can be compared.
FINGERPRINTS = 63


def compared_properties(settings: Settings, identity: DataIdentity, precision: str) -> dict[str, str]:
    """What must be equal on all workers, as text, by its name in an error message.

    precision: the precision that this worker trains with.
    """
    # The paths of the data may differ between workers; the data may not.
    chosen = {name: value for name, value in vars(settings).items() if name not in DATA_PATHS}
    names = IDENTITY
    if isinstance(settings.data, list):
        files = ", ".join(map(os.path.basename, settings.data))
        names = {**IDENTITY, "data_sha256": f"the data {files} (the SHA-256 of their sources, and their weights)"}
    return {
        "the version of TensorFlow": tensorflow_version(),
        "the program's files": _program_digest(),
        **{names[name]: str(value) for name, value in vars(identity).items()},
        **{option_of(name): str(value) for name, value in {**chosen, "precision": precision}.items()},
    }


def fingerprints(properties: Mapping[str, str]) -> list[int]:
    """FINGERPRINTS numbers of 64 bits, for comparison with those of other workers."""
    digests = [hashlib.sha256(text.encode()).digest()[:8] for text in properties.values()]
    numbers = [int.from_bytes(digest, "big", signed=True) for digest in digests]
    return numbers + [0] * (FINGERPRINTS - len(numbers))


def differences(cluster: Cluster, properties: Mapping[str, str], fingerprints: np.ndarray) -> list[str]:
    """A message for each worker that differs from the chief. fingerprints: int64 (workers, FINGERPRINTS)."""
    names, messages = list(properties), []
    for number in range(1, len(fingerprints)):
        unequal = np.flatnonzero(fingerprints[number] != fingerprints[0])
        if len(unequal):
            what = ", ".join(names[place] if place < len(names) else "version of the program" for place in unequal)
            messages.append(
                f"{cluster.named([number])} differs from the chief in: {what}; "
                "start all workers with the same command and files"
            )
    return messages


def _program_digest() -> str:
    digest = hashlib.sha256()
    for path in _program_files():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _program_files() -> Iterator[Path]:
    for name in PROGRAM:
        path = ROOT / name
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))
