"""What the process that reads a video sends to the one that asked: no pickles, and nothing without a length."""

from __future__ import annotations

import struct

FACTS, FRAME, END, REFUSAL = b"F", b"P", b"E", b"R"

# Of each message: its kind, and how many bytes follow.
HEADER = struct.Struct("<cQ")
# Of a FRAME: height and width before it is turned, bytes a line, quarter turns counterclockwise, seconds since the
# first frame. Height × bytes a line follow: RGB pixels, uint8, and whatever fills a line up.
FRAME_HEADER = struct.Struct("<IIIBd")
