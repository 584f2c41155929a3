"""People who are drawn, as a data set in the course's format."""
