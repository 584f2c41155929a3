"""What every command needs: user errors and the argument parser; knows nothing of poses."""
