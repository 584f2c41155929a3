"""The HDF5 store of a data set: its layout, and how it is written, checked and read."""
