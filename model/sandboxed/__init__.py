"""An untrusted model in a separate process, for which the operating system enforces limits on time and memory."""
