"""Finds the joints of the person in a video, a GIF or a folder of pictures, and draws the limbs on it."""

import os
import sys

import numpy as np
from tqdm import tqdm

from command_line.user_error import ArgumentParser, UserError, reported_user_errors
from evaluate import check
from files.destination import check_destination
from media.opened import open_media
from pipeline.sequence_shape import FRAMES_PER_SEQUENCE
from prediction.crop import crop_of_picture, joints_in_picture, parse_crop, scale_to_frame
from prediction.joint_table import check_table_name, joint_table
from prediction.limbs import draw_limbs

UNUSUAL_SHAPE = 2  # how many times as wide as high
LATE_END = 1.0  # seconds


def main():
    with reported_user_errors():
        arguments = parse_arguments()
        crop = parse_crop(arguments.crop)
        source = open_media(arguments.input)
        out = os.path.normpath(arguments.out)
        table = arguments.joints or (out if os.path.isdir(arguments.input) else os.path.splitext(out)[0]) + ".csv"
        check_outputs(source, out, table, arguments.overwrite)
        check_first_frame(source, crop)
        check(arguments.model, trust=arguments.trust)
        predict(arguments, source, crop, out, table)


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python predict.py runs/first/model dance.mp4 --out dance_limbs.mp4",
    )
    parser.add_argument("model", metavar="MODEL_DIR", help="the folder with checkpoint and the three my_model files")
    parser.add_argument("input", metavar="INPUT", help="an MP4, AVI or WebM video, a GIF, or a folder of pictures")
    parser.add_argument("--out", metavar="OUT", required=True, help="the same as INPUT, with the limbs drawn on")
    parser.add_argument(
        "--joints", metavar="FILE", help="joint positions in pixels of INPUT, .csv or .h5 (default: OUT's name, .csv)"
    )
    parser.add_argument(
        "--crop",
        default="none",
        metavar="CROP",
        help="what the model sees: none for the whole frame, as in training, center for its 4:3 middle, or"
        " X,Y,WIDTH,HEIGHT in pixels of INPUT (default: none)",
    )
    parser.add_argument("--trust", action="store_true", help="run it even if it holds ops that no network needs")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT and FILE if they exist")
    return parser.parse_args()


def check_outputs(source, out, table, overwrite):
    """Raises UserError where one of the results cannot or must not be written."""
    check_table_name(table)
    source.check_destination(out, overwrite)
    check_destination(table, source.path, overwrite)
    if os.path.abspath(table) == os.path.abspath(out):
        raise UserError(f"{table} is --out already; give --joints another name")


def check_first_frame(source, crop):
    """Raises UserError where no frame can be read, or the crop does not fit it; warns of an unusual shape."""
    picture = next(source.frames()).picture
    part = crop_of_picture(crop, picture)
    if not 1 <= part.width / part.height <= UNUSUAL_SHAPE:
        print(
            f"warning: the model sees {part.width}×{part.height} pixels squeezed into a square, and people as it has "
            "hardly seen them; --crop center may serve better",
            file=sys.stderr,
        )


def predict(arguments, source, crop, out, table):
    """Writes the joints in the whole source to the file `table`, and the source with limbs to `out`."""
    from model.export.saved_model import loaded_model

    with (
        loaded_model(arguments.model, trust=arguments.trust) as predictor,
        joint_table(table) as add_row,
        source.written_to(out) as write,
        tqdm(total=source.frame_count, desc="predicting", unit=" frames", leave=False, disable=None, delay=2) as bar,
    ):
        for number, (frame, joints) in enumerate(frames_and_joints(predictor, source, crop)):
            if not np.isfinite(joints).all():
                raise UserError(
                    f"{arguments.model}: the positions in frame {number} are NaN or infinite; train the model again"
                )
            add_row(joints, frame.seconds, frame.name)
            write(draw_limbs(frame.picture, joints), frame)
            bar.update()
    print_findings(source, frame, number + 1)
    print(f"wrote {out} and {table}")


def frames_and_joints(predictor, source, crop):
    """Yields each Frame of the source with its joints, float32 (7, 2) in the frame's own pixels.

    The source is read twice at once, for joints are known only after the last window that holds a frame: were it read
    once, frames of full size would have to wait.
    """
    from prediction.sliding_windows import joint_positions

    scaled = (scale_to_frame(frame.picture, crop_of_picture(crop, frame.picture)) for frame in source.frames())
    for frame, joints in zip(source.frames(), joint_positions(predictor, scaled), strict=True):
        yield frame, joints_in_picture(joints, crop_of_picture(crop, frame.picture))


def print_findings(source, last_frame, count):
    height, width, _ = last_frame.picture.shape
    print(f"{count} frames of {width}×{height} pixels; right limbs are orange, left ones blue, as the person's own")
    if count < FRAMES_PER_SEQUENCE:
        print(f"The model sees {FRAMES_PER_SEQUENCE} frames at once: the last one was repeated to make as many.")
    if source.duration is not None and source.duration - last_frame.seconds > LATE_END:
        print(
            f"warning: {source.path} lasts {float(source.duration):.1f} s by its own account, but its last frame is at "
            f"{last_frame.seconds:.1f} s; it may be cut",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
