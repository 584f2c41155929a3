"""Predicts a person's joints in a video, a GIF or a folder of pictures, and draws the limbs on a copy of it."""

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
from support.user_error import UserError, print_warning, reported_user_errors
from video.crop import Crop, CropChoice, has_usual_ratio, parse_crop
from video.files.open_media import open_media
from video.prediction import PredictionSummary, check_first_frame, claimed_outputs, predict
from video.sliding_windows import WINDOWS_PER_BLOCK
from video.tracking.face_detector import HAS_OPENCV, FaceDetector
from video.tracking.nobody import Explanation

INSTALL_OPENCV = 'python -m pip install ".[video]"'


def main() -> None:
    with reported_user_errors(), ended_by_signals():
        arguments = parse_arguments()
        crop = chosen_crop(arguments.crop)
        source = open_media(arguments.input, arguments.skip_damage)
        out = os.path.normpath(arguments.out)
        table = arguments.joints or (out if os.path.isdir(arguments.input) else os.path.splitext(out)[0]) + ".csv"
        with claimed_outputs(source, out, table, arguments.overwrite):
            warn_of_unusual_shape(*check_first_frame(source, crop))
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
        print_summary(arguments.input, summary, source.warnings)
        print(f"wrote {out} and {table}")
        if summary.nobody is not None:
            print(advice_on_nobody(summary.nobody))


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python predict.py runs/first/model dance.mp4 --out dance_limbs.mp4",
    )
    parser.add_argument("model", metavar="MODEL_DIR", help="folder of the saved model")
    parser.add_argument("input", metavar="INPUT", help="video, animated picture such as a GIF, or folder of pictures")
    parser.add_argument("--skip-damage", action="store_true", help="continue after frames that cannot be decoded")
    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="OUT", required=True, help="copy of INPUT with the limbs drawn on it")
    output.add_argument(
        "--joints",
        metavar="FILE",
        help="table of joints, .csv or .h5, or .analysis.h5 for SLEAP (default: OUT with the extension .csv)",
    )
    output.add_argument("--show-crop", action="store_true", help="also draw the edges of the crop")
    output.add_argument("--overwrite", action="store_true", help="replace existing files")
    view = parser.add_argument_group("what the model sees")
    view.add_argument(
        "--crop",
        metavar="CROP",
        help="auto: a crop around the person (default); none: whole pictures; center: their 4:3 center; "
        "X,Y,WIDTH,HEIGHT: this rectangle, in pixels",
    )
    sandbox = parser.add_argument_group(
        "sandbox", "The model runs in a separate process. On Linux, its memory is limited and it cannot write to files."
    )
    add_limit_options(
        sandbox,
        f"limit in seconds for loading the model, and again for each {WINDOWS_PER_BLOCK} frames; the total time is "
        "not limited",
    )
    return parser.parse_args()


def chosen_crop(text: str | None) -> CropChoice:
    """Parses --crop; without it, chooses "auto" if possible. Raises UserError if "auto" is given but not available."""
    crop = parse_crop("auto" if text is None else text)
    if crop != "auto" or HAS_OPENCV:
        return crop
    if text is not None:
        raise UserError(f"--crop auto requires the package opencv-python-headless; install it with: {INSTALL_OPENCV}")
    print_warning(
        "the package opencv-python-headless is missing, so people are not detected and the model sees whole pictures; "
        f"install it with: {INSTALL_OPENCV}"
    )
    return "none"


def warn_of_unusual_shape(crop: Crop | None, pixel_aspect: float) -> None:
    """Warns if the crop's aspect ratio differs from that of the training pictures. crop: None if people are tracked."""
    if crop is not None and not has_usual_ratio(crop, pixel_aspect):
        print_warning(
            f"{crop.width}×{crop.height} pixels are squeezed into a square, unlike the model's training pictures; try "
            "--crop auto"
        )


def print_summary(path: str, summary: PredictionSummary, warnings: list[str]) -> None:
    """Prints what was predicted for the media at `path`, the warnings, and one if a video seems to be cut short."""
    frames = counted(summary.frame_count, "frame")
    size = f"{summary.width}×{summary.height} pixels"
    print(f"{frames} of {size}; the person's right limbs are orange, the left ones blue")
    if summary.is_padded:
        print(f"The model needs {FRAMES_PER_SEQUENCE} frames, so the last one was repeated.")
    outside = [f"{joint} {count}" for joint, count in zip(JOINT_NAMES, summary.outside_counts, strict=True) if count]
    if outside:
        print(f"Joints outside the picture, in number of frames: {', '.join(outside)}.")
    if summary.found_count:
        print(f"A person was found in {summary.found_count} of {frames}.")
    for warning in warnings:
        print_warning(warning)
    if summary.seems_cut and not warnings:
        print_warning(
            f"{path} should last {summary.duration:.1f} s according to its header, but its last frame is at "
            f"{summary.last_second:.1f} s; it may be incomplete"
        )


def advice_on_nobody(nobody: Explanation) -> str:
    """Says why no person was found, and what to do."""
    advice = "choose the crop with --crop none or --crop X,Y,WIDTH,HEIGHT"
    if nobody.quarter_turns:
        turn = {1: "90° counterclockwise", 2: "180°", 3: "90° clockwise"}[nobody.quarter_turns]
        advice = f"rotate them by {turn} first"
    elif nobody.crop is not None:
        advice = f"try --crop {','.join(map(str, nobody.crop))}"
    return f"No person was found: {nobody.reason}; {advice}."


if __name__ == "__main__":
    main()
