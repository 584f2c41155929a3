"""From uint8 frames to joint positions, and how they are saved; opens no data set."""
