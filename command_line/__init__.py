"""User errors, the argument parser and deferred imports, for all commands; knows nothing of poses."""
