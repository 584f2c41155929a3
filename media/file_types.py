"""What the endings of files' names mean."""

import os

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")
GIF = ".gif"


def extension_of(path):
    """The ending of a file's name in lower case, as ".mp4"."""
    return os.path.splitext(path)[1].lower()
