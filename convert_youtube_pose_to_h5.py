"""Makes the course's data set, as an HDF5 file, from the YouTube Pose data set as its publisher releases it."""

import contextlib
import os
import sys

import numpy as np

from command_line.user_error import ArgumentParser, UserError, positive, reported_user_errors
from files.atomic_write import atomic_write
from files.destination import check_destination
from pipeline.sequence_shape import COURSE_SHAPE, SIZE_STEP, SequenceShape
from pipeline.sources.annotated_pictures import AnnotatedPictures, Part, write_part
from pipeline.sources.conversion_summary import print_counts, warn_of_labels_outside
from pipeline.sources.sequence_frames import COURSE_STRIDES, number_of_starts, sequence_frames
from pipeline.sources.youtube_pose_release import MAT_FILE, PICTURES_FOLDER, find_pictures, mat_file, read_annotations

LARGEST_SIZE = 1024


def main():
    with reported_user_errors():
        arguments = parse_arguments()
        check_paths(arguments)
        shape = SequenceShape(arguments.sequence_length, arguments.size, arguments.size)
        written, warnings = convert(
            arguments.release, part_paths(arguments), arguments.strides, shape, arguments.withheld
        )
        for part in written:
            print_findings(part, shape)
        for warning in warnings:
            print("warning:", warning, file=sys.stderr)


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python convert_youtube_pose_to_h5.py YouTube_Pose_dataset_1.0 data.h5",
    )
    parser.add_argument("release", metavar="RELEASE_DIR", help=f"the folder that holds {MAT_FILE}")
    parser.add_argument("destination", metavar="DESTINATION.h5", help="the file to write")
    parser.add_argument(
        "--withheld",
        metavar="N",
        type=positive(int),
        help="the last N to DESTINATION_withheld.h5 (the course: 1600)",
    )
    parser.add_argument(
        "--strides",
        metavar="S,...",
        type=_strides,
        default=COURSE_STRIDES,
        help="consecutive frames, then every other (default: 1,2)",
    )
    parser.add_argument(
        "--sequence-length",
        metavar="N",
        type=positive(int),
        default=COURSE_SHAPE.length,
        help="frames in a sequence (default: %(default)s)",
    )
    parser.add_argument(
        "--size",
        metavar="N",
        type=_size,
        default=COURSE_SHAPE.height,
        help="of a frame, both ways, in pixels (default: %(default)s)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what exists of the files to write")
    return parser.parse_args()


def _strides(text):
    strides = tuple(positive(int)(stride) for stride in text.split(","))
    if len(set(strides)) < len(strides):
        raise ValueError(text)
    return strides


_strides.__name__ = "list of different positive numbers such as 1,2"


def _size(text):
    value = positive(int)(text)
    if value % SIZE_STEP or value > LARGEST_SIZE:
        raise ValueError(text)
    return value


_size.__name__ = f"multiple of {SIZE_STEP} up to {LARGEST_SIZE}"


def part_paths(arguments):
    """The paths to write: DESTINATION.h5, and with --withheld also DESTINATION_withheld.h5."""
    start, end = os.path.splitext(arguments.destination)
    return [arguments.destination] + ([f"{start}_withheld{end}"] if arguments.withheld else [])


def check_paths(arguments):
    """Raises UserError if a destination cannot or must not be written."""
    mat_path = mat_file(arguments.release)
    pictures = os.path.join(os.path.realpath(arguments.release), PICTURES_FOLDER, "")
    for path in part_paths(arguments):
        check_destination(path, mat_path, arguments.overwrite)
        if os.path.realpath(path).startswith(pictures):
            raise UserError(f"{path} lies among the pictures of the release; choose another destination")


def convert(release, paths, strides=COURSE_STRIDES, shape=COURSE_SHAPE, withheld=None):
    """Writes all sequences of the release to one path, or all but the last `withheld` to one and those to another.

    Returns a list of Written, and one of warnings, a line each.
    """
    videos = read_annotations(release)
    found = find_pictures(release, videos)
    frames_of_videos = [len(video.frame_numbers) for video in videos]
    pictures = AnnotatedPictures(
        found.paths,
        np.concatenate([video.joints for video in videos]),
        np.repeat(np.arange(len(videos)), frames_of_videos),
    )
    sequences, of_videos = sequence_frames(frames_of_videos, shape.length, strides)
    cut = len(sequences) - (withheld or 0)
    if cut < 1:
        raise UserError(too_few_sequences(len(sequences), withheld, shape))
    cuts = [slice(0, cut), slice(cut, None)][: len(paths)]
    parts = [Part(path, sequences[part], of_videos[part]) for path, part in zip(paths, cuts)]
    with contextlib.ExitStack() as stack:
        partials = [stack.enter_context(atomic_write(path)) for path in paths]
        mat_path = mat_file(release)
        written = [write_part(part, partial, mat_path, pictures, shape) for part, partial in zip(parts, partials)]
    return written, found.warnings + short_videos(frames_of_videos, shape.length, strides)


def too_few_sequences(number, withheld, shape):
    if number == 0:
        return f"no video has enough frames for a sequence of {shape.length}; lower --sequence-length or --strides"
    return f"--withheld {withheld} leaves nothing of the {number} sequences; lower it"


def short_videos(frames_of_videos, length, strides):
    """A warning for each stride of which some videos have no sequence."""
    warnings = []
    for stride in strides:
        number = sum(number_of_starts(frames, length, stride) == 0 for frames in frames_of_videos)
        if number:
            warnings.append(
                f"{number} of {len(frames_of_videos)} videos have too few frames for sequences of {length} at stride "
                f"{stride}, and none are written of them"
            )
    return warnings


def print_findings(written, shape):
    print_counts(written.source_size, os.path.getsize(written.path), written.counts, written.label_range, shape.length)
    warn_of_labels_outside(written.label_range)
    if written.in_two_videos:
        print(
            f"warning: {written.in_two_videos} frames are in more than one video, pixel for pixel; videos stay apart",
            file=sys.stderr,
        )
    print(f"wrote {written.path}")


if __name__ == "__main__":
    main()
