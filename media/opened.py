"""Which of our kinds an input is: a folder, or a file by its ending."""

import os

from command_line.user_error import UserError
from media.file_types import GIF, PICTURES, VIDEOS, extension_of
from media.gif_file import GifFile
from media.picture_folder import PictureFolder
from media.video_file import VideoFile


def open_media(path):
    """A PictureFolder, GifFile or VideoFile; raises UserError or OSError where there is none that can be read."""
    if os.path.isdir(path):
        return PictureFolder(path)
    # Says what is wrong with a path that leads nowhere before its ending is judged.
    with open(path, "rb"):
        ending = extension_of(path)
    if ending == GIF:
        return GifFile(path)
    if ending in VIDEOS:
        return VideoFile(path)
    if ending in PICTURES:
        raise UserError(f"{path} is one picture; put it in a folder and give that")
    raise UserError(f"{path} is no folder and does not end in {', '.join([GIF, *VIDEOS])}; give one that does")
