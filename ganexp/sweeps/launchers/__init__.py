"""Where the runs of a sweep run."""
