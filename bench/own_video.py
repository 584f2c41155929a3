"""Measures predict.py on clips in which the person does not fill the frame as in the training videos.

Makes each clip itself: a person at a third of the size at the right of 1280×720 black or coloured noise, one across the
whole width of 720×1280 noise, head and shoulders alone, as in a call, and pictures of nobody. Errors are means over
joints and frames, in pixels of the clip; of head and shoulders alone, over these three joints. People are those of the
publisher's release in --data, or drawn ones. With --speed SECONDS it times predict.py on a video of 1280×720 instead,
and measures its memory.
"""

import argparse
import itertools
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bench.finished_process import run_to_end
from bench.own_video_clips import (
    CALL,
    RATE,
    DrawnPerson,
    Nobody,
    RealPerson,
    clips,
    drawn_shapes,
    strips_beside,
)
from model.sandboxed.sandboxed_model import walled_model
from pipeline.joints import JOINT_NAMES
from video.prediction import predicted_frames
from video.tracking.face_detector import FaceDetector

ARMS = [number for number, name in enumerate(JOINT_NAMES) if "wrist" in name or "elbow" in name]
FEWEST_POSITIONS = 20  # of a point in the plot


def main():
    arguments = parse_arguments()
    if arguments.speed:
        measure_speed(arguments)
        return
    detector, rows, errors_and_confidences, arms_outside = FaceDetector(), {}, [], []
    with walled_model(arguments.model, trust=True) as opened:
        for clip in itertools.chain.from_iterable(map(clips, chosen_people(arguments))):
            for crop, label in (("auto", "auto"), (clip.place, "by hand"), ("none", "none")):
                results = list(predicted_frames(opened.predictor, clip, crop, detector))
                errors, found = scored(clip, results)
                rows.setdefault((clip.name, label), []).append((errors.mean(), found.mean()))
                if label == "auto" and clip.name == CALL:
                    outside = np.array([result.row().is_outside[ARMS].all() for result in results if result.is_found])
                    arms_outside.extend(outside)
                elif label == "auto":
                    confidence = np.array([result.confidence for result in results])
                    scale = np.array([result.crop.width for result in results]) / 64
                    errors_and_confidences.append((errors / scale[found, np.newaxis], confidence[found]))
                print(
                    f"{clip.person.name:14} {clip.name:18} {label:8} {errors.mean():6.1f} px, {found.mean():4.0%}",
                    flush=True,
                )
        nobody = [(clip.name, share_found(opened.predictor, clip, detector)) for clip in clips_of_nobody(arguments)]
    print_table(rows)
    for name, share in nobody:
        print(f"\n{name}, nobody there: somebody found in {share:.1%} of the frames")
    print(f"\n{CALL}: both arms said to be outside the picture in {np.mean(arms_outside):.0%} of the frames")
    errors, confidences = (np.concatenate(parts) for parts in zip(*errors_and_confidences, strict=True))
    print_confidence(errors, confidences)
    if arguments.plot:
        plot_confidence(arguments.plot, errors, confidences)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", metavar="MODEL_DIR", help="one that has not seen the people")
    parser.add_argument("--data", type=Path, metavar="DIR", help="holds youtube_pose_64.npz and the release")
    parser.add_argument("--fold", type=int, default=0, help="of bench/unseen_people.py's four (default: %(default)s)")
    parser.add_argument("--people", type=int, default=10, help="at most so many (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=50, help="of each clip (default: %(default)s)")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the error against the confidence")
    parser.add_argument("--speed", type=float, metavar="SECONDS", help="how long the timed video lasts")
    return parser.parse_args()


def chosen_people(arguments):
    if arguments.data is None:
        yield from (DrawnPerson(seed, arguments.frames) for seed in range(arguments.people))
        return
    with np.load(arguments.data / "youtube_pose_64.npz") as data:
        names, labels = data["videos"], data["labels"]
    for video in itertools.islice(range(arguments.fold, len(names), 4), arguments.people):
        yield RealPerson(arguments.data, str(names[video]), labels[video, : arguments.frames])


def clips_of_nobody(arguments):
    yield Nobody("drawn shapes", drawn_shapes())
    if arguments.data is not None:
        yield Nobody("strips beside the people", strips_beside(chosen_people(arguments)))


def share_found(predictor, clip, detector):
    return np.mean([result.is_found for result in predicted_frames(predictor, clip, "auto", detector)])


def scored(clip, results):
    """Errors of the frames in which somebody was found, (F, 7) pixels of the clip, and in which that was, bool."""
    found = np.array([result.is_found for result in results])
    errors = [np.linalg.norm(result.joints - clip.joints(number), axis=-1) for number, result in enumerate(results)]
    if clip.name == CALL:
        errors = [np.delete(error, ARMS) for error in errors]
    return (np.array(errors)[found] if found.any() else np.full((1, len(JOINT_NAMES)), np.nan)), found


def print_table(rows):
    """Errors over the clips in which `auto` found somebody, for all crops alike."""
    print("\n| clip | crop | error, px of the clip | frames with somebody, of all clips |\n|---|---|---|---|")
    for (clip, crop), values in rows.items():
        errors, found = np.array(values).T
        is_found = np.isfinite([error for error, _ in rows[clip, "auto"]])
        mean = errors[is_found].mean() if is_found.any() else np.nan
        print(f"| {clip} | {crop} | {mean:.1f} | {found.mean():.0%} |")


def print_confidence(errors, confidences):
    """How errors, in pixels of the 64×64 frame, fall as confidence rises; both (F, 7)."""
    known = np.isfinite(confidences)
    frames = known.all(axis=1)
    by_joint = -rank_correlation(errors[known], confidences[known])
    by_frame = -rank_correlation(errors[frames].mean(axis=1), confidences[frames].mean(axis=1))
    print(f"\nrank correlation of doubt and error: {by_joint:.2f} by joint, {by_frame:.2f} by frame")
    print("\n| confidence | positions | within 5 px | mean error, px of the frame |\n|---|---|---|---|")
    bounds = [0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.01]
    for low, high in itertools.pairwise(bounds):
        chosen = errors[(confidences >= low) & (confidences < high)]
        if len(chosen):
            print(f"| {low} to {min(high, 1)} | {len(chosen)} | {np.mean(chosen < 5):.0%} | {chosen.mean():.1f} |")


def rank_correlation(first, second):
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    return np.corrcoef(*ranks)[0, 1]


def plot_confidence(path, errors, confidences):
    """Percentiles of the errors of the positions, by tenths of the confidence."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    bounds = np.linspace(0, 1, 11)
    middles, percentiles = [], []
    for low, high in itertools.pairwise(bounds):
        chosen = errors[(confidences >= low) & (confidences < high)]
        if len(chosen) >= FEWEST_POSITIONS:
            middles.append((low + high) / 2)
            percentiles.append(np.percentile(chosen, [25, 50, 75]))
    low, median, high = np.array(percentiles).T
    axes.fill_between(middles, low, high, color="#56B4E9", alpha=0.4, label="the middle half of the positions")
    axes.plot(middles, median, "o-", color="#0072B2", label="the median")
    axes.set(xlabel="confidence", ylabel="error [px of the 64×64 frame]", xlim=(0, 1), ylim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=120)


def measure_speed(arguments):
    person = next(iter(chosen_people(arguments)))
    clip = next(iter(clips(person)))
    pictures = list(clip.frames())
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.mp4"), Path(folder, "out.mp4")
        count = write_repeated(pictures, source, arguments.speed)
        few = write_repeated(pictures, Path(folder, "short.mp4"), 2)
        command = [sys.executable, "predict.py", arguments.model, "--overwrite", "--out", out]
        for crop in ("auto", "none"):
            short, whole = (
                run_to_end([*command, name, "--crop", crop]) for name in (Path(folder, "short.mp4"), source)
            )
            rate = (count - few) / (whole.seconds - short.seconds)
            # Of the command alone: the model runs in a process that is not its child.
            cpu = (whole.cpu_seconds - short.cpu_seconds) / (count - few)
            times = {"frames per second": round(rate, 1), "processor ms per frame": round(1000 * cpu)}
            memory = {"peak MiB": round(whole.peak_mebibytes), "peak MiB of 2 s": round(short.peak_mebibytes)}
            print(json.dumps({"crop": crop, "frames": count, **times, **memory}))


def write_repeated(pictures, path, seconds):
    """Writes the pictures to and fro; returns how many frames were written."""
    import av

    count = round(seconds * RATE)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        stream.height, stream.width = pictures[0].picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        there_and_back = itertools.cycle([*pictures, *pictures[-2:0:-1]])
        for frame in itertools.islice(there_and_back, count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.picture)))
        container.mux(stream.encode(None))
    return count


if __name__ == "__main__":
    main()
