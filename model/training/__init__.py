"""Training: the graph, its losses, the learning rate schedule, the checkpoints."""
