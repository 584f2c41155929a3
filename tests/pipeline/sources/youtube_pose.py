"""A small release of YouTube Pose in its publisher's format, and a plain implementation of its conversion."""

import itertools
import struct

import numpy as np
import scipy.io
from PIL import Image

LABEL_NAMES = ("Head", "Right wrist", "Left wrist", "Right elbow", "Left elbow", "Right shoulder", "Left shoulder")


class MadeVideo:
    """A video of `frames` annotated frames of this size. frame_numbers: not sorted. joints: float64 (2, 7, P)."""

    def __init__(self, name, frames, width, height, seed):
        random = np.random.default_rng(seed)
        self.name = name
        self.frame_numbers = random.permutation(7 * np.arange(1, frames + 1)).astype(np.uint16)
        self.joints = random.uniform(0, min(width, height), (2, 7, frames))
        self.pictures = random.integers(0, 256, (frames, height // 8, width // 8, 3), dtype=np.uint8)
        self.size = (width, height)
        self.label_names = LABEL_NAMES

    def write(self, folder):
        (folder / self.name).mkdir()
        for number, picture in zip(self.frame_numbers, self.pictures, strict=True):
            image = Image.fromarray(picture).resize(self.size, Image.BICUBIC)
            image.save(self.path(folder, number), quality=90)

    def path(self, folder, number):
        return folder / self.name / f"frame_{number:06d}.jpg"

    def scaled(self, folder, size=64):
        """Frames (P, size, size, 3) uint8 and labels (P, 7, 2) float32 in the order of the frame numbers."""
        frames, labels = [], []
        for place in np.argsort(self.frame_numbers):
            picture = np.asarray(Image.open(self.path(folder, self.frame_numbers[place])))
            frames.append(area_average_by_repetition(picture, size, size))
            height, width, _ = picture.shape
            labels.append(self.joints[:, :, place].T * [size / width, size / height])
        return np.stack(frames), np.stack(labels).astype(np.float32)


def area_average_by_repetition(picture, height, width):
    """Repeats each pixel height and width times, so that every new pixel covers whole old ones."""
    old_height, old_width, channels = picture.shape
    rows = np.repeat(picture, height, axis=0).reshape(height, old_height, old_width * channels).sum(axis=1)
    columns = np.repeat(rows.reshape(height, old_width, channels), width, axis=1)
    sums = columns.reshape(height, width, old_width, channels).sum(axis=2)
    return np.rint(sums / (old_height * old_width)).astype(np.uint8)


def write_release(folder, videos):
    """Writes the MAT file and the pictures of MadeVideos; returns the folder."""
    (folder / "GT_frames").mkdir(parents=True)
    for video in videos:
        video.write(folder / "GT_frames")
    write_mat_file(folder, videos)
    return folder


def write_mat_file(folder, videos):
    fields = ("url", "videoname", "locs", "frameids", "label_names", "scale")
    data = np.empty((1, len(videos)), [(field, object) for field in fields])
    for entry, video in zip(data[0], videos, strict=True):
        label_names = np.array([[np.array([name]) for name in video.label_names]], object)
        values = ("https://", video.name, video.joints, video.frame_numbers[None], label_names, 0.5)
        for field, value in zip(fields, values, strict=True):
            entry[field] = value
    scipy.io.savemat(folder / "YouTube_Pose_dataset.mat", {"data": data}, do_compression=True)


def nested_cells(depth):
    """The bytes of a MAT file, version 5, whose variable `data` is a cell in a cell, and so on; the last is empty."""
    matrix, flags, int32, int8, cell = 14, 6, 5, 1, 1

    def cell_head(size, name):
        # The flags, the dimensions and the name of an array.
        return struct.pack("<6I2i2I8s", flags, 8, cell, 0, int32, 8, size, size, int8, len(name), name)

    heads = [cell_head(1, b"data"), *[cell_head(1, b"\0\0\0\0")] * (depth - 2), cell_head(0, b"\0\0\0\0")]
    sizes = [*itertools.accumulate(len(head) + 8 for head in heads[::-1])][::-1]
    elements = [struct.pack("<2I", matrix, size - 8) + head for size, head in zip(sizes, heads, strict=True)]
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(elements)


def course_sequences(frames_of_videos, length=10, strides=(1, 2)):
    """The assignment's recipe in plain loops; of consecutive frames it omits the last sequence of a video."""
    sequences = []
    for stride in strides:
        first = 0
        for frames in frames_of_videos:
            starts = [start for start in range(frames) if start + stride * (length - 1) < frames]
            for start in starts[:-1] if stride == 1 else starts:
                sequences.append([first + start + stride * step for step in range(length)])
            first += frames
    return np.array(sequences)
