"""What every program needs: errors, arguments, atomic files, pictures, a sandbox; knows nothing of poses."""
