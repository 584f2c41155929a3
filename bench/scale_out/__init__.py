"""Measures training on several workers of this machine: `python -m bench.scale_out`."""
