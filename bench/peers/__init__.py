"""The input pipelines that bench/peers.py compares, each as its own documentation advises to write it.

A module for each: `write` makes its files from a store, `deliver` starts it. Importing a module imports its framework.
"""
