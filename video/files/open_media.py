"""Opens a video, an animated picture or a folder of pictures. A file is recognized by its content."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Protocol

from support.picture import open_regular_file
from support.user_error import UserError
from video.files.animated_picture import AnimatedPicture
from video.files.media import GIF_EXTENSION, Frame, WriteFrame, extension_of
from video.files.pictures import PictureFolder, advice_on_extensions
from video.files.video_file import VideoFile

# The first bytes of GIF, PNG and TIFF; WebP's are "RIFF", four bytes, and "WEBP".
ANIMATED = (b"GIF8", b"\x89PNG", b"II*\0", b"MM\0*")


class Media(Protocol):
    """The common interface of VideoFile, AnimatedPicture and PictureFolder."""

    @property
    def path(self) -> str:
        """Path of the file or folder."""

    @property
    def frame_count(self) -> int | None:
        """Number of frames. An estimate for some videos; None if a video's header does not state it."""

    @property
    def duration(self) -> Fraction | None:
        """Duration of a video in seconds, according to its header; None if unknown."""

    @property
    def warnings(self) -> list[str]:
        """One line for each thing that is wrong with the frames read so far, or left out."""

    def frames(self) -> Iterator[Frame]:
        """Yields the frames in order, one at a time. Raises UserError if a frame cannot be read."""

    def written_to(self, path: str) -> AbstractContextManager[WriteFrame]:
        """Writes a copy of the same type to `path`, frame by frame. The copy appears only when it is complete."""

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError if `written_to(path)` would fail, or would replace something and `overwrite` is false."""


def open_media(path: str, skips_damage: bool = False) -> Media:
    """Opens the media at `path`. Raises UserError or OSError if it cannot be read.

    skips_damage: whether to continue after frames of a video that cannot be decoded.
    """
    if os.path.isdir(path):
        return PictureFolder(path)
    with open_regular_file(path) as file:
        beginning = file.read(12)
    extension = extension_of(path)
    if beginning.startswith(ANIMATED) or (beginning.startswith(b"RIFF") and beginning.endswith(b"WEBP")):
        return AnimatedPicture(path)
    if extension == GIF_EXTENSION:
        return AnimatedPicture(path)
    if extension in advice_on_extensions():
        raise UserError(f"{path} is a single picture; put it in a folder and pass the folder")
    return VideoFile(path, skips_damage)
