"""What bench/scale_out.py consists of: places and networks of the workers, what is measured, the model, kills."""
