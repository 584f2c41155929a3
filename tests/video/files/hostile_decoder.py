"""Stands in for video.files.decoder_process after a takeover: sends the answer that the video's name selects."""

import json
import os
import sys
import time

from video.files.decoder_messages import END, ERROR, FRAME, FRAME_HEADER, HEADER, PROPERTIES, WARNING

VALID_PROPERTIES = {"rate": [25, 1], "pixel_aspect": None, "duration": None, "frame_count": 0}


def message(kind, contents):
    return HEADER.pack(kind, len(contents)) + contents


def properties(**changes):
    return message(PROPERTIES, json.dumps({**VALID_PROPERTIES, **changes}).encode())


def frame(height=2, width=2, line=6, turns=0, seconds=0.0, pixels=bytes(12)):
    return message(FRAME, FRAME_HEADER.pack(height, width, line, turns, seconds) + pixels)


VALID = properties()
ANSWERS = {
    "nothing": b"",
    "half_a_header": b"P",
    "properties_of_exabytes": HEADER.pack(PROPERTIES, 1 << 60),
    "properties_that_are_not_json": message(PROPERTIES, b"\xff"),
    "properties_that_are_nested": message(PROPERTIES, b"[" * 60_000),
    "properties_that_are_a_list": message(PROPERTIES, b"[1]"),
    "text_as_rate": properties(rate="ab"),
    "rate_with_denominator_0": properties(rate=[25, 0]),
    "no_rate": properties(rate=None),
    "duration_of_400_digits": properties(duration=[10**400, 1]),
    "negative_frame_count": properties(frame_count=-1),
    "frame_before_properties": frame(),
    "frame_of_exabytes": VALID + HEADER.pack(FRAME, 1 << 60) + FRAME_HEADER.pack(1 << 31, 1 << 31, 3 << 30, 0, 0.0),
    "frame_without_header": VALID + message(FRAME, b""),
    "frame_of_height_0": VALID + frame(height=0, pixels=b""),
    "frame_with_too_few_pixels": VALID + frame(height=3),
    "lines_shorter_than_the_picture": VALID + frame(height=4, line=3),
    "lines_of_megabytes": VALID + frame(height=1, line=1 << 20, pixels=bytes(1 << 20)),
    "time_nan": VALID + frame(seconds=float("nan")),
    "time_beyond_any_clock": VALID + frame(seconds=1e300),
    "unknown_kind": VALID + message(b"?", b""),
    "warning_of_exabytes": VALID + HEADER.pack(WARNING, 1 << 60),
    "warnings_without_end": VALID + message(WARNING, b"a") * 1000,
    "error_of_exabytes": HEADER.pack(ERROR, 1 << 60),
    "error_that_moves_the_cursor": message(ERROR, b"\x1b[2J\xff\nerror: all is well"),
    "frame_without_end": VALID + frame(),
    "valid": VALID + frame() + message(END, b""),
}

if __name__ == "__main__":
    os.write(1, ANSWERS[os.path.basename(sys.argv[1])])
    if "exabytes" in sys.argv[1]:
        os.write(1, bytes(1000))
        time.sleep(600)
