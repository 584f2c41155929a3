"""The workers of a run on several machines: how they meet, compare themselves and notice a death."""
