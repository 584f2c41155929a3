"""Measures predict.py on clips in which the person does not fill the frame as in the training videos.

Makes each clip itself: a person at a third of the size at the right of 1280×720 black or coloured noise, one across the
whole width of 720×1280 noise, head and shoulders alone, as in a call, and pictures without people. Errors are means
over joints and frames, in pixels of the clip; for head and shoulders alone, over these three joints. People are those
of the publisher's release in --data, or drawn ones. With --speed SECONDS it times predict.py on a video of 1280×720
instead, and measures its memory.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.own_video_clips import (
    HEAD_AND_SHOULDERS,
    RATE,
    Clip,
    DrawnPerson,
    Nobody,
    Person,
    RealPerson,
    clips_of,
    drawn_shapes,
    strips_beside,
)
from bench.processes import run_python
from model.sandboxed.sandboxed_model import sandboxed_model
from pipeline.joints import JOINT_NAMES
from video.files.media import Frame
from video.prediction import PredictedFrame, predicted_frames
from video.tracking.face_detector import FaceDetector

ARMS = [number for number, name in enumerate(JOINT_NAMES) if "wrist" in name or "elbow" in name]
CONFIDENCES = (0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.01)  # bounds of the table's rows
FEWEST_POSITIONS = 20  # of a point in the plot


def main() -> None:
    arguments = parse_arguments()
    if arguments.speed:
        measure_speed(arguments)
        return
    detector = FaceDetector()
    # The mean error and the share of frames with a person, of each person, by clip and crop.
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    errors: list[np.ndarray] = []
    confidences: list[np.ndarray] = []
    arms_outside: list[bool] = []
    with sandboxed_model(arguments.model, trust=True) as opened:
        predictor: Any = opened.predictor
        for clip in itertools.chain.from_iterable(map(clips_of, chosen_people(arguments))):
            crops: tuple[tuple[str, Any], ...] = (("auto", "auto"), ("by hand", clip.place), ("none", "none"))
            for label, crop in crops:
                results = list(predicted_frames(predictor, as_media(clip), crop, detector))
                clip_errors, is_found = scored(clip, results)
                rows.setdefault((clip.name, label), []).append((clip_errors.mean(), is_found.mean()))
                if label == "auto" and clip.name == HEAD_AND_SHOULDERS:
                    arms_outside += [bool(result.row().is_outside[ARMS].all()) for result in results if result.is_found]
                elif label == "auto":
                    scale = np.array([result.crop.width for result in results]) / 64
                    errors.append(clip_errors / scale[is_found, np.newaxis])
                    confidences.append(np.array([result.confidence for result in results])[is_found])
                means = f"{clip_errors.mean():6.1f} px, {is_found.mean():4.0%}"
                print(f"{clip.person.name:14} {clip.name:18} {label:8} {means}", flush=True)
        print_table(rows)
        for nobody in clips_of_nobody(arguments):
            found = [result.is_found for result in predicted_frames(predictor, as_media(nobody), "auto", detector)]
            print(f"\n{nobody.name}, no person there: a person found in {np.mean(found):.1%} of the frames")
    share = np.mean(arms_outside)
    print(f"\n{HEAD_AND_SHOULDERS}: both arms reported as outside the picture in {share:.0%} of the frames")
    print_confidence(np.concatenate(errors), np.concatenate(confidences))
    if arguments.plot:
        plot_confidence(arguments.plot, np.concatenate(errors), np.concatenate(confidences))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", metavar="MODEL_DIR", help="one that has not seen the people")
    parser.add_argument("--data", type=Path, metavar="DIR", help="holds youtube_pose_64.npz and the release")
    parser.add_argument("--fold", type=int, default=0, help="of bench.unseen_people's four (default: %(default)s)")
    parser.add_argument("--people", type=int, default=10, help="how many at most (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=50, help="of each clip (default: %(default)s)")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the error by confidence")
    parser.add_argument("--speed", type=float, metavar="SECONDS", help="how long the timed video lasts")
    return parser.parse_args()


def chosen_people(arguments: argparse.Namespace) -> Iterator[Person]:
    if arguments.data is None:
        yield from (DrawnPerson(seed, arguments.frames) for seed in range(arguments.people))
        return
    with np.load(arguments.data / "youtube_pose_64.npz") as data:
        names, labels = data["videos"], data["labels"]
    for video in itertools.islice(range(arguments.fold, len(names), 4), arguments.people):
        yield RealPerson(arguments.data, str(names[video]), labels[video, : arguments.frames])


def clips_of_nobody(arguments: argparse.Namespace) -> Iterator[Nobody]:
    yield Nobody("drawn shapes", drawn_shapes())
    if arguments.data is not None:
        yield Nobody("strips beside the people", strips_beside(chosen_people(arguments)))


def as_media(clip: Clip | Nobody) -> Any:
    """The clip itself. It lacks the parts of `Media` that write files, which predicted_frames does not use."""
    return clip


def scored(clip: Clip, results: Sequence[PredictedFrame]) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the frames in which a person was found, (F, 7) pixels of the clip, and which frames these are, bool."""
    is_found = np.array([result.is_found for result in results])
    errors = np.array(
        [np.linalg.norm(result.joints - clip.joints(number), axis=-1) for number, result in enumerate(results)]
    )
    if clip.name == HEAD_AND_SHOULDERS:
        errors = np.delete(errors, ARMS, axis=1)
    return (errors[is_found] if is_found.any() else np.full((1, errors.shape[1]), np.nan)), is_found


def print_table(rows: dict[tuple[str, str], list[tuple[float, float]]]) -> None:
    """Errors over the clips in which `auto` found a person, for all crops alike."""
    print("\n| clip | crop | error, px of the clip | frames with a person, of all clips |\n|---|---|---|---|")
    for (clip, crop), values in rows.items():
        errors, found = np.array(values).T
        is_found = np.isfinite([error for error, _ in rows[clip, "auto"]])
        mean = errors[is_found].mean() if is_found.any() else np.nan
        print(f"| {clip} | {crop} | {mean:.1f} | {found.mean():.0%} |")


def print_confidence(errors: np.ndarray, confidences: np.ndarray) -> None:
    """Prints how errors, in pixels of the 64×64 frame, fall as confidence rises; both (F, 7)."""
    is_known = np.isfinite(confidences)
    frames = is_known.all(axis=1)
    by_joint = -rank_correlation(errors[is_known], confidences[is_known])
    by_frame = -rank_correlation(errors[frames].mean(axis=1), confidences[frames].mean(axis=1))
    print(f"\nrank correlation of disagreement and error: {by_joint:.2f} by joint, {by_frame:.2f} by frame")
    print("\n| confidence | positions | within 5 px | mean error, px of the frame |\n|---|---|---|---|")
    for low, high in itertools.pairwise(CONFIDENCES):
        chosen = errors[(confidences >= low) & (confidences < high)]
        if len(chosen):
            print(f"| {low} to {min(high, 1)} | {len(chosen)} | {np.mean(chosen < 5):.0%} | {chosen.mean():.1f} |")


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    ranks = np.stack([np.argsort(np.argsort(values)) for values in (first, second)])
    return float(np.asarray(np.corrcoef(ranks))[0, 1])


def plot_confidence(path: str, errors: np.ndarray, confidences: np.ndarray) -> None:
    """Draws percentiles of the errors of the positions, by tenths of the confidence."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    middles, percentiles = [], []
    for low, high in itertools.pairwise(np.linspace(0, 1, 11)):
        chosen = errors[(confidences >= low) & (confidences < high)]
        if len(chosen) >= FEWEST_POSITIONS:
            middles.append((low + high) / 2)
            percentiles.append(np.percentile(chosen, [25, 50, 75]))
    lower, middle, upper = np.array(percentiles).T
    axes.fill_between(middles, lower, upper, color="#56B4E9", alpha=0.4, label="middle half of the positions")
    axes.plot(middles, middle, "o-", color="#0072B2", label="median")
    axes.set(xlabel="confidence", ylabel="error [px of the 64×64 frame]", xlim=(0, 1), ylim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=120)


def measure_speed(arguments: argparse.Namespace) -> None:
    """Prints the rate and the memory of predict.py; a video of 2 s tells what it takes to start."""
    clip = next(clips_of(next(chosen_people(arguments))))
    pictures = list(clip.frames())
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder, "short.mp4"), Path(folder, "long.mp4")
        few, many = write_repeated(pictures, short, 2), write_repeated(pictures, long, arguments.speed)
        for crop in ("auto", "none"):
            command = ["predict.py", arguments.model, "--overwrite", "--out", Path(folder, "out.mp4"), "--crop", crop]
            started, whole = run_python([*command, short]), run_python([*command, long])
            rate = (many - few) / (whole.seconds - started.seconds)
            # The model runs in a process that is not a child of the command.
            cpu = (whole.cpu_seconds - started.cpu_seconds) / (many - few)
            times = {"frames per second": round(rate, 1), "CPU ms per frame, without the model": round(1000 * cpu)}
            memory = {"peak MiB": round(whole.peak_mebibytes), "peak MiB of 2 s": round(started.peak_mebibytes)}
            print(json.dumps({"crop": crop, "frames": many, **times, **memory}))


def write_repeated(pictures: Sequence[Frame], path: Path, seconds: float) -> int:
    """Writes the pictures forwards and backwards in turn; returns how many frames were written."""
    import av

    count = round(seconds * RATE)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        stream.height, stream.width = pictures[0].picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        there_and_back = itertools.cycle([*pictures, *pictures[-2:0:-1]])
        for frame in itertools.islice(there_and_back, count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.picture)))
        container.mux(stream.encode(None))
    return count


if __name__ == "__main__":
    main()
