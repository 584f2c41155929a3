"""From a file on disk to a batch in the graph; knows nothing of the network."""
