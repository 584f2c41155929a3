"""The HDF5 store: its layout, and how it is written, checked and read."""
