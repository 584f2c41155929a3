"""How far predictions lie from the truth: the errors, the hardest frames, the ranking of sequences, the confidence."""
