"""Atomic files, locks and destinations; knows nothing of poses."""
