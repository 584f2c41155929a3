"""Measures the wall time, CPU time and peak memory of whole commands.

Trains with the default settings for each time limit, then scores the last model. With --demo it also runs the demo, as
`make demo` does. Of evaluate.py only the wall time is known. Nothing else should run meanwhile.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from bench.finished_process import run_to_end


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", metavar="DATA.h5", help="data set to train on")
    parser.add_argument("scored", metavar="WITHHELD.h5", help="data set to score the last model on")
    parser.add_argument(
        "--time-limits", type=float, nargs="+", default=[5, 60, 900], metavar="SECONDS", help="default: 5 60 900"
    )
    parser.add_argument("--demo", action="store_true", help="run the demo too")
    parser.add_argument("--keep", metavar="DIR", help="keep the runs in this folder")
    arguments = parser.parse_args()
    imported = run_to_end([sys.executable, "-c", "from pipeline.tensorflow_v1 import tf; tf.nn.rnn_cell"])
    print(f"{'command':40}{'wall':>9}{'CPU':>11}   memory over the import", flush=True)
    print_row("import of TensorFlow", imported, 0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.abspath(arguments.keep or temporary)
        for limit in arguments.time_limits:
            out = os.path.join(folder, f"run-{limit:g}")
            command = ["train.py", "--data", os.path.abspath(arguments.data), "--time-limit", str(limit), "--out", out]
            print_row(f"train.py --time-limit {limit:g}", run(command), imported.peak_mebibytes)
        model, scored = os.path.join(out, "model"), os.path.abspath(arguments.scored)
        # The model runs in a process whose parent is another: what it takes is not known here.
        print(f"{'evaluate.py':40}{run(['evaluate.py', model, scored]).seconds:7.1f} s", flush=True)
        if arguments.demo:
            command = ["train.py", "--demo", "--out", os.path.join(folder, "demo")]
            print_row("train.py --demo", run(command), imported.peak_mebibytes)


def run(command):
    """Runs a command. If it fails, exits with its status: it has printed why."""
    try:
        return run_to_end([sys.executable, *command])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


def print_row(name, finished, imported_mebibytes):
    memory = f"{finished.peak_mebibytes - imported_mebibytes:6.0f} MiB"
    print(f"{name:40}{finished.seconds:7.1f} s{finished.cpu_seconds:9.1f} s   {memory}", flush=True)


if __name__ == "__main__":
    main()
