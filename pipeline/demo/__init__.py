"""Draws people who move, as a synthetic data set in the course's format."""
