"""Describes the machine: its processor, memory and versions; knows nothing of poses."""
