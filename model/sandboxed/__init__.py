"""A stranger's model in a process of its own, which the operating system holds to limits of time and memory."""
