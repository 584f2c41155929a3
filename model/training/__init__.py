"""What is trained: the graph, its losses, the learning rate, the checkpoints."""
