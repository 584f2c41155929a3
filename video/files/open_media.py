"""Opens a video, a GIF or a folder of pictures. The extension determines the type of a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Protocol

from support.user_error import UserError
from video.files.media import GIF_EXTENSION, PICTURE_EXTENSIONS, VIDEO_EXTENSIONS, Frame, WriteFrame, extension_of
from video.files.pictures import GifFile, PictureFolder
from video.files.video_file import VideoFile


class Media(Protocol):
    """The common interface of VideoFile, GifFile and PictureFolder."""

    @property
    def path(self) -> str:
        """Path of the file or folder."""

    @property
    def frame_count(self) -> int | None:
        """Number of frames. An estimate for some videos; None if a video's header does not state it."""

    @property
    def duration(self) -> Fraction | None:
        """Duration of a video in seconds, according to its header; None if unknown."""

    def frames(self) -> Iterator[Frame]:
        """Yields the frames in order, one at a time. Raises UserError if a frame cannot be read."""

    def written_to(self, path: str) -> AbstractContextManager[WriteFrame]:
        """Writes a copy of the same type to `path`, frame by frame. The copy appears only when it is complete."""

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError if `written_to(path)` would fail, or would replace something and `overwrite` is false."""


def open_media(path: str) -> Media:
    """Opens the media at `path`. Raises UserError or OSError if it cannot be read."""
    if os.path.isdir(path):
        return PictureFolder(path)
    # Report a missing file before judging its extension.
    os.stat(path)
    extension = extension_of(path)
    if extension == GIF_EXTENSION:
        return GifFile(path)
    if extension in VIDEO_EXTENSIONS:
        return VideoFile(path)
    if extension in PICTURE_EXTENSIONS:
        raise UserError(f"{path} is a single picture; put it in a folder and pass the folder")
    extensions = ", ".join([GIF_EXTENSION, *VIDEO_EXTENSIONS])
    raise UserError(
        f"{path} has an unsupported extension; pass a folder of pictures or a file that ends in {extensions}"
    )
