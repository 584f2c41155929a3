"""Shows scores: tables, plots, report.html and TensorBoard's event files."""
