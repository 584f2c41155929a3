"""What is handed in: the graph, the saved model, the course's contract, and how a stranger's graph is read."""
