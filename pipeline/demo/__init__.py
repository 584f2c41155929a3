"""A synthetic data set in the course's format: drawn people who move."""
