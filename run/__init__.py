"""A training run: settings, folder, data, history, signals, and how it ends."""
