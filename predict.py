"""Finds the joints of the person in a video, a GIF or a folder of pictures, and draws the limbs on it."""

from __future__ import annotations

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAMES_PER_SEQUENCE
from support.argument_parser import ArgumentParser
from support.sandbox.limit_options import add_limit_options, limits_of
from support.signals import ended_by_signals
from support.text import counted
from support.user_error import UserError, reported_user_errors
from video.crop import Crop, CropChoice, has_usual_ratio, parse_crop
from video.files.opened import open_media
from video.media_prediction import PredictionSummary, check_first_frame, claimed_outputs, predict
from video.tracking.face_detector import HAS_OPENCV, FaceDetector

INSTALL_OPENCV = 'python -m pip install ".[video]"'


def main() -> None:
    with reported_user_errors(), ended_by_signals():
        arguments = parse_arguments()
        crop = chosen_crop(arguments.crop)
        source = open_media(arguments.input)
        out = os.path.normpath(arguments.out)
        table = arguments.joints or (out if os.path.isdir(arguments.input) else os.path.splitext(out)[0]) + ".csv"
        with claimed_outputs(source, out, table, arguments.overwrite):
            print_shape_warning(check_first_frame(source, crop))
            summary = predict(
                arguments.model,
                source,
                crop,
                out,
                table,
                arguments.trust,
                limits_of(arguments),
                detector=FaceDetector() if crop == "auto" else None,
                show_crop=arguments.show_crop,
            )
        print_summary(arguments.input, summary)
        print(f"wrote {out} and {table}")


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python predict.py runs/first/model dance.mp4 --out dance_limbs.mp4",
    )
    parser.add_argument("model", metavar="MODEL_DIR", help="the folder of the saved model")
    parser.add_argument("input", metavar="INPUT", help="MP4, M4V, MOV, MKV, AVI, WebM, GIF, a folder of pictures")
    parser.add_argument("--out", metavar="OUT", required=True, help="the same as INPUT, with the limbs drawn on")
    parser.add_argument("--joints", metavar="FILE", help="the joints, .csv or .h5 (default: OUT's name, .csv)")
    parser.add_argument(
        "--crop",
        metavar="CROP",
        help="what the model sees: the person (auto, the default), all (none), the middle (center) or X,Y,WIDTH,HEIGHT",
    )
    parser.add_argument("--show-crop", action="store_true", help="draw its edges too")
    add_limit_options(parser)
    parser.add_argument("--trust", action="store_true", help="run it even if it holds ops that no network needs")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT and FILE if they exist")
    return parser.parse_args()


def chosen_crop(text: str | None) -> CropChoice:
    """Parses --crop, or chooses where it was not given. Raises UserError where "auto" is given but cannot be had."""
    crop = parse_crop("auto" if text is None else text)
    if crop != "auto" or HAS_OPENCV:
        return crop
    if text is not None:
        raise UserError(f"--crop auto takes the package opencv-python-headless; install it with: {INSTALL_OPENCV}")
    print(
        "warning: without the package opencv-python-headless nobody is looked for, and the model sees whole pictures; "
        f"install it with: {INSTALL_OPENCV}",
        file=sys.stderr,
    )
    return "none"


def print_shape_warning(seen: Crop | None) -> None:
    """Warns of a crop whose shape is unlike that of the training pictures. seen: None where the person is followed."""
    if seen is not None and not has_usual_ratio(seen):
        print(
            f"warning: the model sees {seen.width}×{seen.height} pixels squeezed into a square, and people as it has "
            "hardly seen them; --crop auto may serve better",
            file=sys.stderr,
        )


def print_summary(path: str, summary: PredictionSummary) -> None:
    """Prints what was predicted of the media at `path`, and a warning if it seems to be cut short."""
    size = f"{summary.width}×{summary.height} pixels"
    frames = counted(summary.frame_count, "frame")
    print(f"{frames} of {size}; right limbs are orange, left ones blue, as the person's own")
    if summary.is_padded:
        print(f"The model sees {FRAMES_PER_SEQUENCE} frames at once: the last one was repeated to make as many.")
    outside = [f"{joint} {count}" for joint, count in zip(JOINT_NAMES, summary.outside_counts, strict=True) if count]
    if outside:
        print(f"Outside the picture, and in how many frames: {', '.join(outside)}.")
    if summary.found_count == 0:
        print("Nobody was found; --crop none or --crop X,Y,WIDTH,HEIGHT says where to look.")
    else:
        print(f"Somebody was found in {summary.found_count} of {frames}.")
    if summary.seems_cut:
        print(
            f"warning: {path} lasts {summary.duration:.1f} s by its own account, but its last frame is at "
            f"{summary.last_second:.1f} s; it may be cut",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
