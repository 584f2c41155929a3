"""The shapes of the course's data: ten 64×64 RGB frames with seven joints in each."""

FRAMES_PER_SEQUENCE = 10
FRAME_SHAPE = (64, 64, 3)
