"""The command line that the fuzzers share: their time and memory limits, corpus and saved failures."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris


def fuzz(
    check: Callable[[bytes], None],
    write_corpus: Callable[[Path], None],
    largest_input: int,
    megabytes: int = 1024,
    **mutator: Any,
) -> None:
    """Calls `check` with mutated inputs until the time is up. An input on which it fails is saved and ends the program.

    Output on standard error, such as that of libraries and warnings, is a failure too. So are more than 20 s for one
    input and more memory than `megabytes`. write_corpus: writes valid inputs to a folder. largest_input: in bytes.
    mutator: may be custom_mutator=, as atheris.Setup takes it; without it, atheris uses its own.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("seconds", nargs="?", type=int, default=60, help="how long to run (default: %(default)s)")
    parser.add_argument("--again", metavar="FILE", help="check only this input, such as a saved failure")
    parser.add_argument("--seed", type=int, default=0, help="0 for a different one each time (default: %(default)s)")
    arguments = parser.parse_args()
    terminal = os.dup(2)
    if arguments.again:
        _check_quiet(check, Path(arguments.again).read_bytes(), terminal)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(Path(folder))
        options = [
            f"-max_total_time={arguments.seconds}",
            f"-seed={arguments.seed}",
            f"-max_len={largest_input}",
            "-timeout=20",
            f"-rss_limit_mb={megabytes}",
            "-artifact_prefix=found-",
            "-print_final_stats=1",
            # Valid files of many formats pass through the same lines of Python. Keep all of them, unshortened.
            "-keep_seed=1",
            "-reduce_inputs=0",
            # libFuzzer then reports to a copy of standard error, even while `check` has another.
            "-close_fd_mask=2",
        ]
        arguments_of_libfuzzer = [sys.argv[0], *options, folder]
        atheris.Setup(arguments_of_libfuzzer, lambda contents: _check_quiet(check, contents, terminal), **mutator)
        atheris.Fuzz()


def _check_quiet(check: Callable[[bytes], None], contents: bytes, terminal: int) -> None:
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            check(contents)
        finally:
            os.dup2(terminal, 2)
            printed.seek(0)
            text = printed.read()
            os.write(terminal, text)
    assert not text, "it printed to standard error"
