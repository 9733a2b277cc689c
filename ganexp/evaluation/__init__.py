"""Measurements of models: how one is made, whether two may be compared, where they are kept, how they are shown."""
