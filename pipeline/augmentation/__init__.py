"""Random augmentation of training batches. `augment.py` applies all kinds; larger ones have a module each."""
