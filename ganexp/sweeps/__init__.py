"""Sweeps: many runs from one command, each a process of its own, on whatever a launcher has to offer."""
