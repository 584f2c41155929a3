"""Joint positions in media of any length, as a table and as limbs drawn on the pictures."""
