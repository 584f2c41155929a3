"""The sources that become an HDF5 store: the course's pickle, also zipped, and the publisher's release."""
