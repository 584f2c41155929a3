"""Compares predicted joints with the labels: pixel errors, best and worst frames, and confidence."""
