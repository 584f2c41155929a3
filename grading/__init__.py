"""Grades a folder of submissions: each model in a process of its own, a row each."""
