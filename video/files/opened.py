"""Opens a video, a GIF or a folder of pictures: a folder by being one, a file by the extension of its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Protocol

from support.user_error import UserError
from video.files.file_types import GIF_EXTENSION, PICTURE_EXTENSIONS, VIDEO_EXTENSIONS, extension_of
from video.files.frame import Frame, WriteFrame
from video.files.gif_file import GifFile
from video.files.picture_folder import PictureFolder
from video.files.video_file import VideoFile


class Media(Protocol):
    """What a VideoFile, a GifFile and a PictureFolder have in common."""

    @property
    def path(self) -> str:
        """Of the file or folder."""

    @property
    def frame_count(self) -> int | None:
        """How many frames it holds; an estimate for some videos, and None where a video does not say."""

    @property
    def duration(self) -> Fraction | None:
        """How long a video lasts according to its header, in seconds; None for all else."""

    def frames(self) -> Iterator[Frame]:
        """Yields the Frames in order, reading them one at a time. Raises UserError at one that cannot be read."""

    def written_to(self, path: str) -> AbstractContextManager[WriteFrame]:
        """Writes a copy of the same type, frame by frame, to `path`, atomically."""

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError where `written_to(path)` would fail or must not write. overwrite: replace what exists."""


def open_media(path: str) -> Media:
    """Opens the media at `path`. Raises UserError or OSError where it cannot be read."""
    if os.path.isdir(path):
        return PictureFolder(path)
    # A path that leads nowhere is reported before its extension is judged.
    os.stat(path)
    extension = extension_of(path)
    if extension == GIF_EXTENSION:
        return GifFile(path)
    if extension in VIDEO_EXTENSIONS:
        return VideoFile(path)
    if extension in PICTURE_EXTENSIONS:
        raise UserError(f"{path} is one picture; put it in a folder and give that")
    endings = ", ".join([GIF_EXTENSION, *VIDEO_EXTENSIONS])
    raise UserError(f"{path} is no folder and does not end in {endings}; give one that does")
