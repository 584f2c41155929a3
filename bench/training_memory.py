"""Measures train.py's peak resident memory, over that of importing TensorFlow, on a data set and on ten times as much.

The larger data set consists of the smaller one's frames changed in ten ways, so it has ten times the distinct frames.
"""

import argparse
import os
import sys
import tempfile

from bench.finished_process import run_to_end
from bench.larger_data import enlarge

TIMES = 10


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--time-limit", default="20", help="seconds of training (default: %(default)s)")
    arguments = parser.parse_args()
    imported = peak_memory(["-c", "from pipeline.tensorflow_v1 import tf; tf.nn.rnn_cell"])
    print(f"importing TensorFlow      {imported:7.0f} MiB")
    with tempfile.TemporaryDirectory() as folder:
        larger = os.path.join(folder, "larger.h5")
        enlarge(arguments.data, larger, TIMES)
        for name, path in (("as given", arguments.data), ("ten times as large", larger)):
            command = ["train.py", "--data", os.path.abspath(path), "--time-limit", arguments.time_limit]
            command += ["--no-augment", "--validation-sequences", "600", "--out", os.path.join(folder, name)]
            peak = peak_memory(command)
            print(f"training, {name:18}{peak:7.0f} MiB  {peak - imported:5.0f} MiB more than the import", flush=True)


def peak_memory(arguments):
    """MiB; runs Python with these arguments."""
    return run_to_end([sys.executable, *arguments]).peak_mebibytes


if __name__ == "__main__":
    main()
