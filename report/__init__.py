"""What people look at: curves and overlays."""
