"""What lies on the disk: run directories, their files, records, protocols and locks."""
