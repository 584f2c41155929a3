"""Random augmentation of training batches; a file for each kind or group of kinds, `augment.py` to apply them."""
