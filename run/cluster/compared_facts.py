"""What has to be the same on all workers of a cluster, so that they train one model."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from model.session_config import tensorflow_version
from run.data import DataIdentity
from run.settings import Settings, option_of

ROOT = Path(__file__).parents[2]
# Whose code decides what a step computes.
PROGRAM = ("train.py", "model", "pipeline", "run")
# Where the files lie may differ; what is in them may not.
PLACES = ("data", "validation_data")
DATA = {
    "data_sha256": "the data (the SHA-256 of what they were converted from)",
    "validation_data_sha256": "the validation data (the SHA-256 of what they were converted from)",
    "trained_sequences": "the number of training sequences",
    "validated_sequences": "the number of validation sequences",
    "sequence_shape": "the shape of the sequences",
}


def facts_to_compare(settings: Settings, identity: DataIdentity, precision: str) -> dict[str, str]:
    """Each fact as text, by what to call it where two workers differ.

    precision: what that of the settings comes to on this machine.
    """
    chosen = {name: value for name, value in settings._asdict().items() if name not in PLACES}
    return {
        "the version of TensorFlow": tensorflow_version(),
        "the program's files": _program_digest(),
        **{DATA[name]: str(value) for name, value in identity._asdict().items()},
        **{option_of(name): str(value) for name, value in {**chosen, "precision": precision}.items()},
    }


def _program_digest() -> str:
    digest = hashlib.sha256()
    for path in _program_files():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _program_files() -> Iterator[Path]:
    for name in PROGRAM:
        path = ROOT / name
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))
