"""Training with Lightning: data feed, callbacks, loggers, and the summary of a run."""
