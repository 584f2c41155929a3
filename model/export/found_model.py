"""Finds a saved model's files in the folder that somebody handed in, whatever they are called and wherever they lie."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from model.export.saved_model import MODEL_FILES, MODEL_NAME
from support.user_error import UserError

MOST_FOLDERS = 1000
DEEPEST = 3
MOST_EXTRA_FILES = 20
MOST_NAMED = 5
LARGEST_CHECKPOINT = 1 << 20
# What archives and file managers leave behind.
PASSED_OVER = {"__MACOSX", "__pycache__", "node_modules"}


class FoundModel(NamedTuple):
    """folder: that holds the files. graph: the path of the graph. weights: the path of the weights, without endings.

    graph and weights are "" where no model can be loaded. breaches: what about the files breaks the contract.
    """

    folder: str
    graph: str
    weights: str
    breaches: list[str]


def find_model(path: str) -> FoundModel:
    """Looks for the one model in the folder `path`, or, where there is none, in the folders below it.

    Raises UserError where `path` is not a folder, or cannot be looked into.
    """
    if not os.path.isdir(path):
        raise UserError(f"{path} is not a folder; give the folder that holds the model's four files")
    if _holds_model(path):
        return _model_in(path)
    below = [folder for folder in _folders_below(path) if _holds_model(folder)]
    nearest = [folder for folder in below if _depth(path, folder) == _depth(path, below[0])]
    if len(nearest) == 1:
        found = _model_in(nearest[0])
        inner = os.path.relpath(nearest[0], path)
        return found._replace(
            breaches=[f"the model is in {inner}, not in the folder itself; hand in that folder", *found.breaches]
        )
    if nearest:
        listed = _listed(sorted(os.path.relpath(folder, path) for folder in nearest))
        return FoundModel(path, "", "", [f"it holds {len(nearest)} models, in {listed}; give the folder of one"])
    return _model_in(path)


def _folders_below(path: str) -> Iterator[str]:
    """The folders below `path`, the nearest first; links are not followed."""
    level, seen = [path], 0
    for _ in range(DEEPEST):
        following = []
        for folder in level:
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False) and entry.name not in PASSED_OVER and entry.name[0] != ".":
                    following.append(entry.path)
        seen += len(following)
        if seen > MOST_FOLDERS:
            raise UserError(f"{path} holds more than {MOST_FOLDERS} folders; give the folder of the model")
        yield from following
        level = following


def _depth(path: str, folder: str) -> int:
    return os.path.relpath(folder, path).count(os.sep)


def _holds_model(folder: str) -> bool:
    """Whether the folder holds a graph, or claims to hold a model by one of the four names."""
    return any(name in MODEL_FILES or name.endswith(".meta") for name in os.listdir(folder))


def _model_in(folder: str) -> FoundModel:
    """The FoundModel of the files in this folder."""
    kinds = _kinds_of_files(folder)
    if not _holds_model(folder):
        what = f"it holds {_listed(sorted(kinds))}" if kinds else "it is empty"
        is_packed = any(name.lower().endswith((".zip", ".rar", ".7z", ".tar", ".gz", ".tgz")) for name in kinds)
        advice = "unpack the archive" if is_packed else "save the model with tf.train.Saver"
        return FoundModel(folder, "", "", [f"no saved model was found; {what}; {advice}"])
    text = _checkpoint_text(folder) if stat.S_ISREG(kinds.get("checkpoint", 0)) else ""
    named = _named_path(text)
    wanted = [MODEL_NAME, re.split(r"[/\\]", named)[-1] if named is not None else MODEL_NAME]
    graphs, all_weights = _names(kinds, ".meta"), _names(kinds, ".index")
    graph = _chosen(graphs, wanted)
    weights = _chosen(all_weights, [*([graph] if graph else []), *wanted])
    missing = _missing(kinds, weights)
    breaches = missing + _ambiguous(graph, graphs, weights, all_weights)
    own = {"checkpoint", f"{graph}.meta", f"{weights}.index", *_data_files(kinds, weights)}
    special = [name for name in _special(kinds) if name in own or name in MODEL_FILES or ".data-" in name]
    breaches += [f"{name} is a link or device, not a file; put the file itself in the folder" for name in special]
    breaches += _other_names(graph, weights) + _extra(set(kinds) - own - set(MODEL_FILES) - set(special))
    if special or not graph or not weights or not _data_files(kinds, weights):
        return FoundModel(folder, "", "", breaches)
    if not any("checkpoint" in line for line in missing):
        breaches += _checkpoint_breaches(text, weights)
    return FoundModel(folder, os.path.join(folder, f"{graph}.meta"), os.path.join(folder, weights), breaches)


def _kinds_of_files(folder: str) -> dict[str, int]:
    """The mode of each entry by its name; of a link, not of its target."""
    return {entry.name: entry.stat(follow_symlinks=False).st_mode for entry in os.scandir(folder)}


def _special(kinds: dict[str, int]) -> list[str]:
    """The names of links, pipes and devices: reading them could leave the folder, or never end."""
    return sorted(name for name, mode in kinds.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)))


def _names(kinds: dict[str, int], ending: str) -> list[str]:
    """The names, without the ending, of the entries with it that are not folders."""
    return sorted(name[: -len(ending)] for name, mode in kinds.items() if name.endswith(ending) and not _is_dir(mode))


def _is_dir(mode: int) -> bool:
    return stat.S_ISDIR(mode)


def _data_files(kinds: dict[str, int], weights: str | None) -> list[str]:
    if weights is None:
        return []
    pattern = re.compile(re.escape(weights) + r"\.data-\d{5}-of-\d{5}")
    return sorted(name for name, mode in kinds.items() if pattern.fullmatch(name) and not _is_dir(mode))


def _chosen(names: list[str], wanted: list[str]) -> str | None:
    """The first of the wanted names that is there, or the only one that is there, or None."""
    return next((name for name in wanted if name in names), names[0] if len(names) == 1 else None)


def _missing(kinds: dict[str, int], weights: str | None) -> list[str]:
    """A line for each of the four files that is not there, under any name."""
    any_data = any(".data-" in name and not _is_dir(mode) for name, mode in kinds.items())
    there = (
        "checkpoint" in kinds and not _is_dir(kinds["checkpoint"]),
        bool(_data_files(kinds, weights)) if weights else any_data,
        bool(_names(kinds, ".index")),
        bool(_names(kinds, ".meta")),
    )
    lines = [f"the file {name} is missing; save the model again" for name in MODEL_FILES]
    return [line for line, is_there in zip(lines, there, strict=True) if not is_there]


def _ambiguous(graph: str | None, graphs: list[str], weights: str | None, all_weights: list[str]) -> list[str]:
    """A line where nothing tells which of several models is meant."""
    if graph is None and len(graphs) > 1:
        return [f"it holds {len(graphs)} graphs, {_listed(graphs)}; leave the four files of one model in the folder"]
    if weights is None and len(all_weights) > 1:
        listed = _listed(all_weights)
        return [f"it holds {len(all_weights)} sets of weights, {listed}; leave those of one model in the folder"]
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
    breaches = [f"{name} is one file too many; take it out of the folder" for name in extra[:MOST_EXTRA_FILES]]
    if len(extra) > MOST_EXTRA_FILES:
        breaches.append(f"{len(extra) - MOST_EXTRA_FILES} more files are too many; take them out of the folder")
    return breaches


def _checkpoint_text(folder: str) -> str:
    with open(os.path.join(folder, "checkpoint"), encoding="utf-8", errors="replace") as file:
        return file.read(LARGEST_CHECKPOINT)


def _named_path(text: str) -> str | None:
    """The model_checkpoint_path in the contents of the file `checkpoint`."""
    named = re.search(r'^model_checkpoint_path:\s*"(.*)"', text, re.MULTILINE)
    return named and named[1]


def _checkpoint_breaches(text: str, weights: str) -> list[str]:
    """What is wrong with the contents of the file `checkpoint`; weights: their name."""
    named = _named_path(text)
    if named is None:
        return ["the file checkpoint does not name a model_checkpoint_path; save the model again"]
    paths = list(dict.fromkeys(re.findall(r'model_checkpoint_paths?:\s*"(.*)"', text)))
    breaches = []
    for path in paths[:MOST_NAMED]:
        if os.path.isabs(path) or re.match(r"[A-Za-z]:|\\", path):
            breaches.append(f"the file checkpoint holds the absolute path {path}; save with a relative one")
        elif os.path.dirname(os.path.normpath(path)):
            breaches.append(
                f"the file checkpoint names {path}, outside of the folder; save as {MODEL_NAME} in the folder"
            )
    if len(paths) > MOST_NAMED:
        breaches.append(f"the file checkpoint names {len(paths)} models; save the model alone in a folder of its own")
    if not breaches and os.path.normpath(named) not in (MODEL_NAME, weights):
        breaches.append(f"the file checkpoint names {named}, not {MODEL_NAME}; save the model as {MODEL_NAME}")
    return breaches


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
