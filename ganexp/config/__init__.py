"""The configuration: composed from YAML and the command line, checked, built, or refused with the reason."""
