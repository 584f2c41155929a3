"""Which data a run trains on: the files of --data with their weights, and the videos chosen from them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.store.reader import SequenceStore
from support.user_error import UserError

WEIGHTED = re.compile(r"(?P<path>.+):(?P<weight>[1-9][0-9]{0,2})", re.DOTALL)
RANGE = "[0-9]{1,9}(?:-[0-9]{1,9})?"
VIDEOS = re.compile(rf"(?:(?P<file>.+):)?(?P<ranges>{RANGE}(?:,{RANGE})*)", re.DOTALL)


@dataclass(frozen=True)
class DataFile:
    """A data set to train on."""

    path: str
    weight: int = 1  # how many times an epoch contains each of its sequences


def data_files(data: str | Sequence[str]) -> list[DataFile]:
    """The files of the setting `data`: a path, a path with a weight such as "b.h5:3", or a list of these.

    Raises UserError if two of them are the same file.
    """
    files = [_data_file(text) for text in ([data] if isinstance(data, str) else data)]
    places = [os.path.realpath(file.path) for file in files]
    for number, file in enumerate(files):
        if places.index(places[number]) < number:
            raise UserError(f"--data has {file.path} twice; give it once, with a weight: {file.path}:2")
    return files


def _data_file(text: str) -> DataFile:
    match = WEIGHTED.fullmatch(text)
    return DataFile(match["path"], int(match["weight"])) if match else DataFile(text)


def is_video_choice(text: str) -> bool:
    """Whether the text is one of --videos: numbers and ranges such as "0-4,7", after FILE.h5: if there are several."""
    return VIDEOS.fullmatch(text) is not None


def chosen_sequences(
    stores: Sequence[SequenceStore], videos: Iterable[str], excluded: Iterable[str]
) -> list[np.ndarray]:
    """The sequences of the chosen videos in each of these open stores, sorted int (N,).

    videos: of --videos; stores that none of them names are chosen completely. excluded: of --exclude-videos. Raises
    UserError if a text names no file or no video, or if nothing of a file is left.
    """
    included = _named_sequences("--videos", videos, stores)
    omitted = _named_sequences("--exclude-videos", excluded, stores)
    chosen = []
    for number, store in enumerate(stores):
        is_chosen = included.get(number, np.ones(len(store), bool))
        if number in omitted:
            is_chosen = is_chosen & ~omitted[number]
        if not is_chosen.any():
            raise UserError(f"the options leave no video of {store.path}; choose other videos, or omit the file")
        chosen.append(np.flatnonzero(is_chosen))
    return chosen


def _named_sequences(option: str, texts: Iterable[str], stores: Sequence[SequenceStore]) -> dict[int, np.ndarray]:
    """bool (N,) for each store that a text names, by its number: which of its sequences are in the named videos."""
    named: dict[int, np.ndarray] = {}
    for text in texts:
        match = VIDEOS.fullmatch(text)
        assert match is not None
        number = _named_store(f"{option} {text}", match["file"], stores)
        store = stores[number]
        is_named = named.setdefault(number, np.zeros(len(store), bool))
        for part in match["ranges"].split(","):
            first, _, last = part.partition("-")
            in_range = (store.videos >= int(first)) & (store.videos <= int(last or first))
            if not in_range.any():
                raise UserError(f"{option} {text}: {store.path} has the videos 0 to {store.videos.max()}, not {part}")
            is_named |= in_range
    return named


def _named_store(where: str, file: str | None, stores: Sequence[SequenceStore]) -> int:
    """The number of the store that a text names by path or name. where: the beginning of an error message."""
    if file is None:
        if len(stores) > 1:
            raise UserError(f"{where}: name the file, as in {stores[0].name}:0-9, because --data has several")
        return 0
    for texts in ([store.path for store in stores], [store.name for store in stores]):
        if texts.count(file) == 1:
            return texts.index(file)
    raise UserError(f"{where}: --data has no file {file}, or several; give its path as in --data")
