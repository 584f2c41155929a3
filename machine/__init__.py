"""What the machine is: its processor, memory and versions; knows nothing of poses."""
