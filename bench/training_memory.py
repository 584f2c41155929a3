"""Measures train.py's peak resident memory, over that of importing TensorFlow, on a data set and on ten times as much.

The larger data set consists of the smaller one's frames changed in ten ways, so it has ten times the distinct frames.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.larger_data import enlarge
from bench.processes import IMPORT_TENSORFLOW, run_python

TIMES = 10
OPTIONS = ["--no-augment", "--validation-sequences", "600"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--time-limit", default="20", help="seconds of training (default: %(default)s)")
    arguments = parser.parse_args()
    imported = run_python(IMPORT_TENSORFLOW).peak_mebibytes
    print(f"importing TensorFlow      {imported:7.0f} MiB")
    with tempfile.TemporaryDirectory() as folder:
        larger = str(Path(folder, "larger.h5"))
        enlarge(arguments.data, larger, TIMES)
        for name, path in (("as given", arguments.data), ("ten times as large", larger)):
            command = ["train.py", "--data", path, "--time-limit", arguments.time_limit, "--out", Path(folder, name)]
            peak = run_python([*command, *OPTIONS]).peak_mebibytes
            print(f"training, {name:18}{peak:7.0f} MiB  {peak - imported:5.0f} MiB more than the import", flush=True)


if __name__ == "__main__":
    main()
