"""How long a fuzzer runs, in how much memory, and where it begins and leaves what it found."""

import argparse
import sys
import tempfile
from pathlib import Path

import atheris


def fuzz(check, write_corpus, largest_input, **mutator):
    """Calls `check` with changed inputs until the time is up; an input at which it fails is kept, and ends the program.

    check: a function of bytes. write_corpus: a function that writes valid inputs to a folder. largest_input: bytes.
    mutator: atheris's custom_mutator, where not its own.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("seconds", nargs="?", type=int, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--again", metavar="FILE", help="check this input alone, such as one that was kept")
    parser.add_argument("--seed", type=int, default=0, help="0 for another one each time (default: %(default)s)")
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
