"""Kills conversions at every system call that touches the new file, and says what each left at the destination.

A conversion of a small made data set is run once under strace, which lists its system calls from the creation of the
file that is written beside the destination to the end of the process. Then it is run again once for each of them, and
killed by SIGKILL as it enters that call, so that each kill lies between two system calls. After each kill a conversion
that is left alone must succeed and leave nothing else in the folder. Linux with strace.
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import h5py
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pipeline.demo.data import write_demo_pickle  # noqa: E402
from tests.pipeline.sources.youtube_pose import MadeVideo, write_release  # noqa: E402

CALLS = "openat,write,ftruncate,flock,close,fsync,rename,unlink"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--last", type=int, metavar="N", help="kill at so many of the last system calls (default: all)")
    last = parser.parse_args().last
    if shutil.which("strace") is None:
        sys.exit("error: strace is missing; install it")
    print(f"{'conversion':46}{'kills':>6}{'old':>6}{'none':>6}{'new':>6}{'else':>6}   left beside, at most")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_demo_pickle(folder / "made.pkl", videos=2, frames_per_video=12, seed=1)
        release = write_release(folder / "release", [MadeVideo("one", 22, 90, 70, 1), MadeVideo("two", 21, 64, 48, 2)])
        of_pickle = [ROOT / "convert_pkl_to_h5.py", folder / "made.pkl", "data.h5"]
        of_release = [ROOT / "convert_youtube_pose_to_h5.py", release, "data.h5", "--withheld", "4"]
        is_clean = True
        for command in (of_pickle, of_release):
            for options in ([], ["--overwrite"]):
                is_clean &= kill_everywhere([sys.executable, "-B", *map(str, command), *options], folder / "out", last)
    sys.exit(0 if is_clean else 1)


def kill_everywhere(command, folder, last):
    """Prints what the kills of a conversion into the folder left; returns whether that is as it should be.

    last: how many of the last system calls it is killed at, None for all.
    """
    is_replaced = "--overwrite" in command
    old = folder.parent / "old"
    shutil.rmtree(old, ignore_errors=True)
    start_over(folder, None)
    run(command, folder)
    expected = {path.name: contents_of(path) for path in folder.iterdir()}
    if is_replaced:
        old.mkdir()
        for name in expected:
            (old / name).write_bytes(b"an older file " * 1000)
    start_over(folder, old if is_replaced else None)
    calls = last_calls(command, folder)[-(last or 0) :]
    found, most_beside, is_clean = Counter(), 0, True
    for call, number in tqdm(calls, unit=" kills", leave=False, disable=None):
        start_over(folder, old if is_replaced else None)
        kill_at(command, folder, call, number)
        for name in expected:
            found[state_of(folder / name, old / name, expected[name])] += 1
        most_beside = max(most_beside, len({path.name for path in folder.iterdir()} - expected.keys()))
        run(command if is_replaced else [*command, "--overwrite"], folder)
        is_clean &= {path.name: contents_of(path) for path in folder.iterdir()} == expected
    name = f"{Path(command[2]).name}{' --overwrite' * is_replaced}"
    kinds = ("old", "none", "new", "else")
    print(f"{name:46}{len(calls):6}" + "".join(f"{found[kind]:6}" for kind in kinds) + f"   {most_beside}", flush=True)
    if not is_clean:
        print("  the next conversion failed or left something else")
    return is_clean and found["else"] == 0


def start_over(folder, old):
    """Makes the folder hold copies of the files in the folder `old`, or nothing where that is None."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(old, folder) if old else folder.mkdir()


def run(command, folder):
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def last_calls(command, folder):
    """The system calls from the creation of the first new file on: for each its name, and its number among those.

    strace follows the main thread alone, which makes all of them.
    """
    log = folder.parent / "strace.log"
    subprocess.run(
        ["strace", "-o", log, "-e", f"trace={CALLS}", *command], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    counts, calls, is_new_file_there = Counter(), [], False
    for text in log.read_text(errors="replace").splitlines():
        if match := re.match(r"(\w+)\(", text):
            counts[match[1]] += 1
            is_new_file_there |= ".lock" in text
            if is_new_file_there:
                calls.append((match[1], counts[match[1]]))
    return calls


def kill_at(command, folder, call, number):
    """Kills a conversion as its main thread enters its system call of this name and number."""
    log = folder.parent / "strace.log"
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    arguments = ["strace", "-o", log, "-e", f"trace={call}", "-e", inject, *command]
    status = subprocess.run(arguments, cwd=folder, stdout=subprocess.DEVNULL).returncode
    if status != -signal.SIGKILL:
        sys.exit(f"error: the conversion was not killed at {call} {number}, but ended with {status}")


def state_of(path, old, new):
    if not path.exists():
        return "else" if old.exists() else "none"
    if old.exists() and path.read_bytes() == old.read_bytes():
        return "old"
    return "new" if contents_of(path) == new else "else"


def contents_of(path):
    """The bytes of all data sets by name; None where they cannot be read. HDF5 stores the time in a file's metadata."""
    try:
        with h5py.File(path) as file:
            return {name: file[name][:].tobytes() for name in file}
    except Exception:  # h5py reports damage by exceptions of many types.
        return None


if __name__ == "__main__":
    main()
