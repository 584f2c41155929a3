"""The messages that the decoder process sends to the command: a kind and a length, then that many bytes."""

from __future__ import annotations

import struct

PROPERTIES, FRAME, WARNING, END, ERROR = b"P", b"F", b"W", b"E", b"X"

# Option of the program that decodes videos: continue after frames that cannot be decoded.
SKIP_DAMAGE = "--skip-damage"

# The kind of a message and the number of bytes that follow.
HEADER = struct.Struct("<cQ")
# Start of a FRAME message: height and width before rotation, bytes per line, quarter turns counterclockwise, seconds
# since the first frame. Then height × bytes per line of RGB pixels, uint8, each line padded at its end.
FRAME_HEADER = struct.Struct("<IIIBd")
