"""Reads the file `checkpoint`, in which a tf.train.Saver names the weights that it saved last."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from google.protobuf.text_encoding import CUnescape

LARGEST_CHECKPOINT = 1 << 20
MOST_NAMED = 5
# A field of tf.train.CheckpointState in the text format of protocol buffers.
STRING = r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
FIELD = re.compile(rf"\b(all_model_checkpoint_paths|model_checkpoint_path)\s*:\s*{STRING}")


@dataclass(frozen=True)
class CheckpointFile:
    latest: str | None  # the path of the weights saved last; None if the file does not name it
    paths: list[str]  # all paths in the file, each once

    @property
    def name(self) -> str | None:
        """The last part of the path `latest`, which a program on any system may have written."""
        return None if self.latest is None else re.split(r"[/\\]", self.latest)[-1]


def read_checkpoint_file(folder: str) -> CheckpointFile:
    """Reads the first megabyte of the file, which must exist."""
    with open(os.path.join(folder, "checkpoint"), encoding="utf-8", errors="replace") as file:
        fields = [(field, _unescaped(text[1:-1])) for field, text in FIELD.findall(file.read(LARGEST_CHECKPOINT))]
    latest = next((path for field, path in fields if field == "model_checkpoint_path"), None)
    return CheckpointFile(latest, list(dict.fromkeys(path for _, path in fields)))


def _unescaped(text: str) -> str:
    """The path that this text stands for, or the text itself if somebody wrote it without escapes."""
    try:
        path = CUnescape(text).decode()
    except ValueError:
        return text
    return path if path.isprintable() else text


def checkpoint_breaches(checkpoint: CheckpointFile, required: str, weights: str) -> list[str]:
    """The breaches by the paths in the file.

    required: the name that the assignment requires. weights: the path of the weights in the model's folder.
    """
    if checkpoint.latest is None:
        return ["the file checkpoint has no model_checkpoint_path; save the model again"]
    breaches = []
    for path in checkpoint.paths[:MOST_NAMED]:
        if os.path.isabs(path) or re.match(r"[A-Za-z]:|\\", path):
            breaches.append(f"the file checkpoint has the absolute path {path}; save the model with a relative path")
        elif os.path.normpath(path) != weights and os.path.dirname(os.path.normpath(path)):
            breaches.append(f"the file checkpoint names {path}, outside the folder; save the model as {required}")
    if len(checkpoint.paths) > MOST_NAMED:
        count = len(checkpoint.paths)
        breaches.append(f"the file checkpoint names {count} models; save the model alone in a new folder")
    if not breaches and os.path.normpath(checkpoint.latest) not in (required, weights):
        breaches.append(f"the file checkpoint names {checkpoint.latest}, not {required}; save the model as {required}")
    return breaches
