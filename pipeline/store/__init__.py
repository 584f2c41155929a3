"""The HDF5 store: its layout, how it is written, checked and read."""
