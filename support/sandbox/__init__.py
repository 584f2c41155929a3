"""Limits of a process that reads an untrusted file."""
