"""Videos, GIFs and folders of pictures, read and written one frame at a time."""
