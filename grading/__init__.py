"""Grades a folder of submissions, one model after another in separate processes, and writes the results."""
