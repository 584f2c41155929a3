"""The input pipelines that `python -m bench.peers` compares, each written as its own documentation advises.

There is a module for each: `write` makes its files from a store, `deliver` starts it. Importing a module imports its
framework.
"""
