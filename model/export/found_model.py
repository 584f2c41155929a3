"""Finds the files of a saved model in a submitted folder, also under other names and in subfolders."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace

from model.export.saved_model import MODEL_FILES, MODEL_NAME
from support.user_error import UserError

MOST_FOLDERS = 1000
DEEPEST = 3
MOST_EXTRA_FILES = 20
MOST_NAMED = 5
LARGEST_CHECKPOINT = 1 << 20
# Created by archivers and other programs.
IGNORED_FOLDERS = {"__MACOSX", "__pycache__", "node_modules"}


@dataclass(frozen=True)
class FoundModel:
    folder: str  # contains the files
    graph: str  # path of the .meta file; "" if no model can be loaded
    weights: str  # path of the weights without endings; "" if no model can be loaded
    breaches: list[str]  # breaches concerning names and places of files, one line each


def find_model(path: str) -> FoundModel:
    """Finds the model in the folder `path` or, if there is none, in its subfolders.

    Raises UserError if `path` is not a folder or has too many subfolders.
    """
    if not os.path.isdir(path):
        raise UserError(f"{path} is not a folder; give the folder with the model's four files")
    if _has_model(path):
        return _model_in(path)
    below = [folder for folder in _folders_below(path) if _has_model(folder)]
    nearest = [folder for folder in below if _depth(path, folder) == _depth(path, below[0])]
    if len(nearest) == 1:
        found = _model_in(nearest[0])
        inner = os.path.relpath(nearest[0], path)
        breach = f"the model is in the subfolder {inner}; hand in that folder"
        return replace(found, breaches=[breach, *found.breaches])
    if nearest:
        listed = _listed(sorted(os.path.relpath(folder, path) for folder in nearest))
        return FoundModel(path, "", "", [f"there are {len(nearest)} models, in {listed}; give the folder of one"])
    return _model_in(path)


def _folders_below(path: str) -> Iterator[str]:
    """The subfolders of `path`, the nearest first; links are not followed."""
    level, seen = [path], 0
    for _ in range(DEEPEST):
        following = []
        for folder in level:
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False) and entry.name not in IGNORED_FOLDERS and entry.name[0] != ".":
                    following.append(entry.path)
        seen += len(following)
        if seen > MOST_FOLDERS:
            raise UserError(f"{path} has more than {MOST_FOLDERS} subfolders; give the folder of the model")
        yield from following
        level = following


def _depth(path: str, folder: str) -> int:
    return os.path.relpath(folder, path).count(os.sep)


def _has_model(folder: str) -> bool:
    """Whether the folder contains a graph, or a file with one of the four names."""
    return any(name in MODEL_FILES or name.endswith(".meta") for name in os.listdir(folder))


def _model_in(folder: str) -> FoundModel:
    kinds = _kinds_of_files(folder)
    if not _has_model(folder):
        what = f"the folder contains {_listed(sorted(kinds))}" if kinds else "the folder is empty"
        is_packed = any(name.lower().endswith((".zip", ".rar", ".7z", ".tar", ".gz", ".tgz")) for name in kinds)
        advice = "unpack the archive" if is_packed else "save the model with tf.train.Saver"
        return FoundModel(folder, "", "", [f"no saved model found: {what}; {advice}"])
    text = _read_checkpoint_file(folder) if stat.S_ISREG(kinds.get("checkpoint", 0)) else ""
    named = _named_path(text)
    wanted = [MODEL_NAME, re.split(r"[/\\]", named)[-1] if named is not None else MODEL_NAME]
    graphs, all_weights = _names(kinds, ".meta"), _names(kinds, ".index")
    graph = _chosen(graphs, wanted)
    weights = _chosen(all_weights, [*([graph] if graph else []), *wanted])
    missing = _missing(kinds, weights)
    breaches = missing + _ambiguous(graph, graphs, weights, all_weights)
    own = {"checkpoint", f"{graph}.meta", f"{weights}.index", *_data_files(kinds, weights)}
    special = [name for name in _special(kinds) if name in own or name in MODEL_FILES or ".data-" in name]
    breaches += [f"{name} is a link or device; put a regular file in the folder" for name in special]
    breaches += _other_names(graph, weights) + _extra(set(kinds) - own - set(MODEL_FILES) - set(special))
    if special or not graph or not weights or not _data_files(kinds, weights):
        return FoundModel(folder, "", "", breaches)
    if not any("checkpoint" in line for line in missing):
        breaches += _checkpoint_breaches(text, weights)
    return FoundModel(folder, os.path.join(folder, f"{graph}.meta"), os.path.join(folder, weights), breaches)


def _kinds_of_files(folder: str) -> dict[str, int]:
    """The mode of each entry by name; links are not followed."""
    return {entry.name: entry.stat(follow_symlinks=False).st_mode for entry in os.scandir(folder)}


def _special(kinds: dict[str, int]) -> list[str]:
    """The names of links, pipes and devices, which could lead out of the folder or block forever."""
    return sorted(name for name, mode in kinds.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)))


def _names(kinds: dict[str, int], ending: str) -> list[str]:
    """The names, without this ending, of the files that have it."""
    return sorted(
        name[: -len(ending)] for name, mode in kinds.items() if name.endswith(ending) and not stat.S_ISDIR(mode)
    )


def _data_files(kinds: dict[str, int], weights: str | None) -> list[str]:
    if weights is None:
        return []
    pattern = re.compile(re.escape(weights) + r"\.data-\d{5}-of-\d{5}")
    return sorted(name for name, mode in kinds.items() if pattern.fullmatch(name) and not stat.S_ISDIR(mode))


def _chosen(names: list[str], wanted: list[str]) -> str | None:
    """The first of the wanted names that exists, or the only name, or None."""
    return next((name for name in wanted if name in names), names[0] if len(names) == 1 else None)


def _missing(kinds: dict[str, int], weights: str | None) -> list[str]:
    """One line for each of the four files that does not exist under any name."""
    any_data = any(".data-" in name and not stat.S_ISDIR(mode) for name, mode in kinds.items())
    exist = (
        "checkpoint" in kinds and not stat.S_ISDIR(kinds["checkpoint"]),
        bool(_data_files(kinds, weights)) if weights else any_data,
        bool(_names(kinds, ".index")),
        bool(_names(kinds, ".meta")),
    )
    lines = [f"the file {name} is missing; save the model again" for name in MODEL_FILES]
    return [line for line, exists in zip(lines, exist, strict=True) if not exists]


def _ambiguous(graph: str | None, graphs: list[str], weights: str | None, all_weights: list[str]) -> list[str]:
    """One line if there are several models and none has the right name."""
    if graph is None and len(graphs) > 1:
        return [f"there are {len(graphs)} graphs, {_listed(graphs)}; keep only the four files of one model"]
    if weights is None and len(all_weights) > 1:
        listed = _listed(all_weights)
        return [f"there are {len(all_weights)} sets of weights, {listed}; keep only those of one model"]
    return []


def _other_names(graph: str | None, weights: str | None) -> list[str]:
    breaches = []
    if graph not in (None, MODEL_NAME):
        breaches.append(f"the graph is saved as {graph}.meta, not {MODEL_NAME}.meta; save the model as {MODEL_NAME}")
    if weights not in (None, MODEL_NAME):
        breaches.append(f"the weights are saved as {weights}, not {MODEL_NAME}; save the model as {MODEL_NAME}")
    return breaches


def _extra(names: set[str]) -> list[str]:
    extra = sorted(names)
    breaches = [f"{name} does not belong to the model; remove it from the folder" for name in extra[:MOST_EXTRA_FILES]]
    if len(extra) > MOST_EXTRA_FILES:
        breaches.append(
            f"{len(extra) - MOST_EXTRA_FILES} more files do not belong to the model; remove them from the folder"
        )
    return breaches


def _read_checkpoint_file(folder: str) -> str:
    with open(os.path.join(folder, "checkpoint"), encoding="utf-8", errors="replace") as file:
        return file.read(LARGEST_CHECKPOINT)


def _named_path(text: str) -> str | None:
    """The model_checkpoint_path in the contents of the file `checkpoint`."""
    named = re.search(r'^model_checkpoint_path:\s*"(.*)"', text, re.MULTILINE)
    return named and named[1]


def _checkpoint_breaches(text: str, weights: str) -> list[str]:
    """The breaches by the contents of the file `checkpoint`. weights: the name of the weights."""
    named = _named_path(text)
    if named is None:
        return ["the file checkpoint has no model_checkpoint_path; save the model again"]
    paths = list(dict.fromkeys(re.findall(r'model_checkpoint_paths?:\s*"(.*)"', text)))
    breaches = []
    for path in paths[:MOST_NAMED]:
        if os.path.isabs(path) or re.match(r"[A-Za-z]:|\\", path):
            breaches.append(f"the file checkpoint has the absolute path {path}; save the model with a relative path")
        elif os.path.dirname(os.path.normpath(path)):
            breaches.append(f"the file checkpoint names {path}, outside the folder; save the model as {MODEL_NAME}")
    if len(paths) > MOST_NAMED:
        breaches.append(f"the file checkpoint names {len(paths)} models; save the model alone in a new folder")
    if not breaches and os.path.normpath(named) not in (MODEL_NAME, weights):
        breaches.append(f"the file checkpoint names {named}, not {MODEL_NAME}; save the model as {MODEL_NAME}")
    return breaches


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
