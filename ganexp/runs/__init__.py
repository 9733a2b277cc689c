"""Files on disk: run directories, checkpoints, records, protocols and locks."""
