"""Submissions as students hand them in, good, broken and hostile, each made by a function, to try grading on."""
