"""What a process that reads a stranger's file holds itself to; knows nothing of models and videos."""
