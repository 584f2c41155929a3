"""File types by the extension of a file's name."""

import os

PICTURE_EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
VIDEO_EXTENSIONS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")
GIF_EXTENSION = ".gif"


def extension_of(path: str) -> str:
    """The extension of a file's name with its dot, in lower case: ".mp4"."""
    return os.path.splitext(path)[1].lower()
