"""Joint positions in videos, GIFs and folders of pictures."""
