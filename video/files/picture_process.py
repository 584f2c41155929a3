"""The program that decodes a HEIC or AVIF picture in a sandboxed process: their decoders are large and written in C.

Usage as that of video.files.decoder_process. Pillow decodes AVIF. The package pillow-heif, with libheif in its wheels,
decodes HEIC, which Pillow does not.
"""

from __future__ import annotations

import json
from typing import BinaryIO

from PIL import Image

from support.picture import opened_picture
from video.files.decoder_messages import END, FRAME, FRAME_HEADER, PROPERTIES
from video.files.pixels import rgb_pixels
from video.files.sandboxed_program import run_sandboxed, send

try:
    import pillow_heif
except ImportError:
    FORMATS: tuple[str, ...] = ("AVIF",)
else:
    pillow_heif.register_heif_opener()
    FORMATS = ("AVIF", "HEIF")
# Otherwise Pillow imports its modules later, which the sandbox prevents.
Image.init()


def main() -> None:
    run_sandboxed(send_picture)


def send_picture(file: BinaryIO, path: str, max_pixels: int, output: BinaryIO) -> None:
    """Sends the messages about a picture. Raises UserError if it cannot be read."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    formats = tuple(name for name in FORMATS if name in Image.OPEN)
    with opened_picture(file, path, formats, advice="save it again as JPEG") as image:
        properties = {"rate": [1, 1], "pixel_aspect": None, "duration": None}
        frame_count = getattr(image, "n_frames", 1)
        pixels = rgb_pixels(image)
    height, width, _ = pixels.shape
    send(output, PROPERTIES, json.dumps({**properties, "frame_count": frame_count}).encode())
    send(output, FRAME, FRAME_HEADER.pack(height, width, 3 * width, 0, 0.0), pixels.tobytes())
    send(output, END)


if __name__ == "__main__":
    main()
