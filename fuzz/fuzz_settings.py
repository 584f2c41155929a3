"""The command line that the fuzzers share: their time and memory limits, corpus and saved failures."""

import argparse
import sys
import tempfile
from pathlib import Path

import atheris


def fuzz(check, write_corpus, largest_input, **mutator):
    """Calls `check` with mutated inputs until the time is up. An input on which it fails is saved and ends the program.

    check: a function of bytes. write_corpus: a function that writes valid inputs to a folder. largest_input: in bytes.
    mutator: atheris's custom_mutator; without it, atheris's own.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("seconds", nargs="?", type=int, default=60, help="how long to run (default: %(default)s)")
    parser.add_argument("--again", metavar="FILE", help="check only this input, such as a saved failure")
    parser.add_argument("--seed", type=int, default=0, help="0 for a different one each time (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.again:
        check(Path(arguments.again).read_bytes())
        return
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(Path(folder))
        options = [
            f"-max_total_time={arguments.seconds}",
            f"-seed={arguments.seed}",
            f"-max_len={largest_input}",
            "-timeout=20",
            "-rss_limit_mb=1024",
            "-artifact_prefix=found-",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, folder], check, **mutator)
        atheris.Fuzz()
