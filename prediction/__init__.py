"""Joint positions in a video of any length, and what is made of them for people to watch."""
