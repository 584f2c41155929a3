"""The names of the kinds of augmentation, for options and their help; imports no TensorFlow."""

KINDS = ("mirror", "scale", "rotation", "shift", "colour", "background", "pace")
