"""Measures the wall time, CPU time and peak memory of whole commands.

Trains with the default settings for each time limit, then scores the last model. --demo also runs the demo, as
`make demo` does. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.processes import IMPORT_TENSORFLOW, FinishedProcess, run_python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", metavar="DATA.h5", help="data set to train on")
    parser.add_argument("scored", metavar="WITHHELD.h5", help="data set to score the last model on")
    parser.add_argument(
        "--time-limits", type=float, nargs="+", default=[5, 60, 900], metavar="SECONDS", help="default: 5 60 900"
    )
    parser.add_argument("--demo", action="store_true", help="run the demo too")
    arguments = parser.parse_args()
    imported = run_python(IMPORT_TENSORFLOW)
    print(f"{'command':40}{'wall':>9}{'CPU':>11}   memory over the import", flush=True)
    print_row("import of TensorFlow", imported, 0)
    with tempfile.TemporaryDirectory() as folder:
        for limit in arguments.time_limits:
            out = Path(folder, f"run-{limit:g}")
            trained = run_python(["train.py", "--data", arguments.data, "--time-limit", str(limit), "--out", out])
            print_row(f"train.py --time-limit {limit:g}", trained, imported.peak_mebibytes)
        # The model runs in a process that is not a child of the command, so only the wall time is known.
        scored = run_python(["evaluate.py", out / "model", arguments.scored])
        print(f"{'evaluate.py':40}{scored.seconds:7.1f} s", flush=True)
        if arguments.demo:
            demo = run_python(["train.py", "--demo", "--out", Path(folder, "demo")])
            print_row("train.py --demo", demo, imported.peak_mebibytes)


def print_row(name: str, finished: FinishedProcess, imported_mebibytes: float) -> None:
    memory = f"{finished.peak_mebibytes - imported_mebibytes:6.0f} MiB"
    print(f"{name:40}{finished.seconds:7.1f} s{finished.cpu_seconds:9.1f} s   {memory}", flush=True)


if __name__ == "__main__":
    main()
