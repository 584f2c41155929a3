"""Benchmarks, which are run from the project's folder as `python -m bench.NAME`: see bench/README.md."""
