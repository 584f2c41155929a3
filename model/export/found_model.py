"""Finds the files of a saved model in a submitted folder, also under other names and in subfolders.

The weights are those that the course's script restores: the ones that the file `checkpoint` names, if they exist.
"""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from model.export.checkpoint_file import CheckpointFile, checkpoint_breaches, read_checkpoint_file
from model.export.saved_model import MODEL_FILES, MODEL_NAME, PARTS_OF_FORMAT_V1
from model.export.submitted_files import Folder, Search, listed, listed_folder, why_no_model
from support.user_error import UserError

MOST_EXTRA_FILES = 20


@dataclass(frozen=True)
class FoundModel:
    folder: str  # contains the files
    graph: str  # path of the .meta file; "" if no model can be loaded
    weights: str  # path of the weights as tf.train.Saver takes it; "" if no model can be loaded
    weight_files: list[str]  # paths of the files with the values of the weights
    breaches: list[str]  # breaches concerning files of the model, one line each
    notes: list[str]  # on places and on other files, one line each


@dataclass(frozen=True)
class Weights:
    """The files of a set of weights; all paths are relative to the model's folder."""

    name: str  # as tf.train.Saver takes it
    values: list[str]  # the files with the values
    index: str | None  # None in TensorFlow's old format V1, which has no index

    @property
    def files(self) -> list[str]:
        return self.values + ([self.index] if self.index else [])


def find_model(path: str) -> FoundModel:
    """Finds the model in the folder `path` or, if there is none, in its subfolders, the nearest first.

    Raises UserError if `path` is not a folder, and OSError if a folder cannot be read.
    """
    if not os.path.isdir(path):
        raise UserError(f"{path} is not a folder; give the folder with the model's four files")
    search, parts = Search(path), []
    for level in search.levels():
        models = [folder for folder in level if _has_graph_and_weights(folder)]
        if models:
            return _nearest(path, [_model_in(folder) for folder in models])
        parts += [folder for folder in level if _has_part_of_a_model(folder)]
    if parts:
        return _with_place(path, _model_in(parts[0]))
    return FoundModel(path, "", "", [], [why_no_model(search)], [])


def _nearest(path: str, models: list[FoundModel]) -> FoundModel:
    """The only model of one level of folders, or the only one that can be loaded."""
    loadable = [model for model in models if model.graph]
    for candidates in (models, loadable):
        if len(candidates) == 1:
            return _with_place(path, candidates[0])
    names = listed([os.path.relpath(model.folder, path) for model in models])
    return FoundModel(path, "", "", [], [f"there are {len(models)} models, in {names}; give the folder of one"], [])


def _with_place(path: str, found: FoundModel) -> FoundModel:
    """The model with a note if it is not in `path` itself."""
    inner = os.path.relpath(found.folder, path)
    return found if inner == "." else replace(found, notes=[f"the model is in the subfolder {inner}", *found.notes])


def _has_graph_and_weights(folder: Folder) -> bool:
    graphs = _graphs(folder)
    return bool(graphs) and (bool(_weights_in(folder, graphs)) or bool(_model_in(folder).graph))


def _has_part_of_a_model(folder: Folder) -> bool:
    """Whether the folder contains a graph, weights, or a file with one of the four names, but not of a SavedModel."""
    names = {name for name, mode in folder.modes.items() if not stat.S_ISDIR(mode)}
    weights = {name for name in _weights_in(folder, []) if name != "variables"}
    return bool(names.intersection(MODEL_FILES) or _graphs(folder) or weights)


def _model_in(folder: Folder) -> FoundModel:
    """The model in the folder, which contains at least a part of one."""
    modes = folder.modes
    is_read = stat.S_ISREG(modes.get("checkpoint", 0))
    checkpoint = read_checkpoint_file(folder.path) if is_read else CheckpointFile(None, [])
    graphs = _graphs(folder)
    graph = _chosen(graphs, [MODEL_NAME, checkpoint.name])
    all_weights = _weights_in(folder, [*graphs, MODEL_NAME, checkpoint.name])
    whole = [name for name, one in all_weights.items() if one.values]
    inner = _weights_in_subfolder(folder, checkpoint)
    weights = inner or all_weights.get(_chosen(whole or list(all_weights), [checkpoint.name, graph, MODEL_NAME]) or "")
    own = {
        "checkpoint",
        *(f"{name}.meta" for name in ([graph] if graph else graphs)),
        *(weights.files if weights else []),
    }
    others = [all_weights[name] for name in whole if all_weights[name] != weights]
    special = [name for name in _special(folder) if name in own or name in MODEL_FILES or _is_of_weights(name, weights)]
    breaches = [
        *_missing(folder, graphs, weights),
        *_ambiguous(graph, graphs, weights, list(all_weights)),
        *(f"{name} is a link or device; put a regular file in the folder" for name in special),
        *_other_names(graph, weights),
    ]
    known = {*own, *special, *MODEL_FILES, *(name for one in others for name in one.files)}
    extra = sorted(set(modes) - {path.split(os.sep)[0] for path in known})
    notes = _notes_on_weights(weights, others, checkpoint) + _notes_on_files(extra)
    if special or graph is None or weights is None or not weights.values:
        return FoundModel(folder.path, "", "", [], breaches, notes)
    if is_read:
        breaches += checkpoint_breaches(checkpoint, MODEL_NAME, weights.name)
    names = f"{graph}.meta", weights.name, *weights.values
    graph_path, weights_path, *files = (os.path.join(folder.path, name) for name in names)
    return FoundModel(folder.path, graph_path, weights_path, files, breaches, notes)


def _graphs(folder: Folder) -> list[str]:
    """The names of the graphs, without the ending. A Mac writes files that begin with "._" beside others."""
    return [name.removesuffix(".meta") for name in _names(folder, r"(?!\._).*\.meta")]


def _names(folder: Folder, pattern: str) -> list[str]:
    """The names that match a pattern, but not those of folders."""
    matches = re.compile(pattern, re.DOTALL).fullmatch
    return [name for name, mode in folder.modes.items() if matches(name) and not stat.S_ISDIR(mode)]


def _weights_in(folder: Folder, likely: Iterable[str | None]) -> dict[str, Weights]:
    """All weights in the folder by name. likely: names, one of which those in the format V1 must have."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    for name in _names(folder, r".*\.data-\d{5}-of-\d{5}"):
        values[name[: -len(".data-00000-of-00001")]].append(name)
    found = {}
    for index in _names(folder, r"(?!\._).*\.index"):
        name = index.removesuffix(".index")
        found[name] = Weights(name, values[name], index)
    v1 = _weights_of_format_v1(folder, {name for name in likely if name})
    return {**found, **{one.name: one for one in v1 if one.name not in found}}


def _weights_of_format_v1(folder: Folder, likely: set[str]) -> list[Weights]:
    """Weights that have one of these names and consist of a file without an ending, or of numbered parts."""
    stems = {PARTS_OF_FORMAT_V1.sub("", name) for name in likely}
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for name in _names(folder, r".*-\d{5}-of-\d{5}"):
        stem, number = name[: -len("-00000-of-00001")], name[-5:]
        if stem in stems:
            parts[f"{stem}-?????-of-{number}"].append(name)
    whole = [
        Weights(name, [name], None)
        for name in _names(folder, r"(?!checkpoint$)(?!.*\.(meta|index|data-.*)$).*")
        if name in likely
    ]
    return whole + [Weights(name, files, None) for name, files in parts.items() if len(files) == int(name[-5:])]


def _weights_in_subfolder(folder: Folder, checkpoint: CheckpointFile) -> Weights | None:
    """The weights that `checkpoint` names, if they are in a subfolder and consist of regular files."""
    inner, name = os.path.split(os.path.normpath(checkpoint.latest or ""))
    path = os.path.join(folder.path, inner)
    # A path through links or to other folders differs.
    is_below = os.path.isdir(path) and os.path.realpath(path) == f"{os.path.realpath(folder.path)}{os.sep}{inner}"
    below = listed_folder(path) if is_below else Folder(path, {})
    weights = _weights_in(below, [name]).get(name)
    if weights is None or not weights.values or any(not stat.S_ISREG(below.modes[file]) for file in weights.files):
        return None
    values = [os.path.join(inner, file) for file in weights.values]
    return Weights(os.path.join(inner, name), values, weights.index and os.path.join(inner, weights.index))


def _chosen(names: list[str], wanted: list[str | None]) -> str | None:
    """The first of the wanted names that exists, or the only name, or None."""
    return next((name for name in wanted if name in names), names[0] if len(names) == 1 else None)


def _special(folder: Folder) -> list[str]:
    """The names of links, pipes and devices, which could lead out of the folder or block forever."""
    return [name for name, mode in folder.modes.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))]


def _is_of_weights(name: str, weights: Weights | None) -> bool:
    """Whether TensorFlow may read a file of this name, among others, when it restores the weights."""
    if weights is not None and weights.index is None:
        return name.startswith(PARTS_OF_FORMAT_V1.sub("", weights.name))
    return ".data-" in name


def _missing(folder: Folder, graphs: list[str], weights: Weights | None) -> list[str]:
    """One line for each of the four files that does not exist under any name."""
    checkpoint, values, index, graph = MODEL_FILES
    lines = []
    if not _names(folder, checkpoint):
        lines.append(f"the file {checkpoint} is missing; save the model again")
    if not (weights.values if weights else _names(folder, r".*\.data-.*")):
        lines.append(f"the file {values} is missing; save the model again")
    if weights is None and not _names(folder, r".*\.index"):
        lines.append(f"the file {index} is missing; save the model again")
    if not graphs:
        lines.append(f"the file {graph} is missing, which contains the graph; save the model with tf.train.Saver")
    return lines


def _ambiguous(graph: str | None, graphs: list[str], weights: Weights | None, all_weights: list[str]) -> list[str]:
    """One line if there are several models and none has the right name."""
    if graph is None and len(graphs) > 1:
        return [f"there are {len(graphs)} graphs, {listed(graphs)}; keep only the four files of one model"]
    if weights is None and len(all_weights) > 1:
        names = listed(all_weights)
        return [f"there are {len(all_weights)} sets of weights, {names}; keep only those of one model"]
    return []


def _other_names(graph: str | None, weights: Weights | None) -> list[str]:
    breaches = []
    if graph not in (None, MODEL_NAME):
        breaches.append(f"the graph is saved as {graph}.meta, not {MODEL_NAME}.meta; save the model as {MODEL_NAME}")
    if weights is not None and weights.index is None:
        breaches.append(
            f"the weights are saved as {weights.name} in the old format V1; save them without write_version"
        )
    elif weights is not None and weights.name != MODEL_NAME:
        breaches.append(f"the weights are saved as {weights.name}, not {MODEL_NAME}; save the model as {MODEL_NAME}")
    return breaches


def _notes_on_weights(weights: Weights | None, others: list[Weights], checkpoint: CheckpointFile) -> list[str]:
    """One line if there are several sets of weights."""
    if weights is None or not others:
        return []
    is_named = checkpoint.name == os.path.basename(weights.name)
    reason = ", which the file checkpoint names" if is_named else ""
    return [f"the weights used are {weights.name}{reason}; there are also {listed([one.name for one in others])}"]


def _notes_on_files(extra: list[str]) -> list[str]:
    notes = [f"{name} does not belong to the model" for name in extra[:MOST_EXTRA_FILES]]
    if len(extra) > MOST_EXTRA_FILES:
        notes.append(f"{len(extra) - MOST_EXTRA_FILES} more files do not belong to the model")
    return notes
