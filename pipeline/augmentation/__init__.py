"""Random changes of training batches: warps, colours, backgrounds, pace."""
