"""Stands in for video.files.video_reader: a process controlled by a hostile file, which reports what its path names."""

import json
import os
import sys
import time

from video.files.video_messages import END, FACTS, FRAME, FRAME_HEADER, HEADER, REFUSAL

FINE_FACTS = json.dumps({"rate": [25, 1], "pixel_aspect": None, "duration": None, "frame_count": 0}).encode()


def message(kind, contents):
    return HEADER.pack(kind, len(contents)) + contents


def facts(**changes):
    return message(FACTS, json.dumps({**json.loads(FINE_FACTS), **changes}).encode())


def frame(height=2, width=2, line=6, turns=0, seconds=0.0, pixels=bytes(12)):
    return message(FRAME, FRAME_HEADER.pack(height, width, line, turns, seconds) + pixels)


FINE = message(FACTS, FINE_FACTS)
ANSWERS = {
    "nothing": b"",
    "half_a_header": b"F",
    "facts_of_exabytes": HEADER.pack(FACTS, 1 << 60),
    "facts_that_are_no_json": message(FACTS, b"\xff"),
    "facts_that_are_nested": message(FACTS, b"[" * 60_000),
    "facts_that_are_a_list": message(FACTS, b"[1]"),
    "a_rate_of_words": facts(rate="ab"),
    "a_rate_of_nothing": facts(rate=[25, 0]),
    "no_rate": facts(rate=None),
    "a_duration_of_400_digits": facts(duration=[10**400, 1]),
    "fewer_frames_than_none": facts(frame_count=-1),
    "a_frame_first": frame(),
    "a_frame_of_exabytes": FINE + HEADER.pack(FRAME, 1 << 60) + FRAME_HEADER.pack(1 << 31, 1 << 31, 3 << 30, 0, 0.0),
    "a_frame_without_pixels": FINE + message(FRAME, b""),
    "a_frame_of_no_height": FINE + frame(height=0, pixels=b""),
    "a_frame_of_too_few_pixels": FINE + frame(height=3),
    "lines_shorter_than_the_picture": FINE + frame(height=4, line=3),
    "lines_of_megabytes": FINE + frame(height=1, line=1 << 20, pixels=bytes(1 << 20)),
    "a_time_that_is_no_number": FINE + frame(seconds=float("nan")),
    "a_time_beyond_all_clocks": FINE + frame(seconds=1e300),
    "a_kind_that_is_none": FINE + message(b"X", b""),
    "a_refusal_of_exabytes": HEADER.pack(REFUSAL, 1 << 60),
    "a_refusal_that_moves_the_cursor": message(REFUSAL, b"\x1b[2J\xff\nerror: all is well"),
    "a_frame_and_no_end": FINE + frame(),
    "a_frame_and_the_end": FINE + frame() + message(END, b""),
}

if __name__ == "__main__":
    os.write(1, ANSWERS[os.path.basename(sys.argv[1])])
    if "exabytes" in sys.argv[1]:
        os.write(1, bytes(1000))
        time.sleep(600)
