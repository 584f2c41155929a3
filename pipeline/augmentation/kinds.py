"""The names of what augmentation changes, for those who choose among them and need no TensorFlow for it."""

KINDS = ("mirror", "scale", "rotation", "shift", "colour", "background", "pace")
