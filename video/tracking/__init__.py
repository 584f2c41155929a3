"""The person in a video, detected and tracked."""
