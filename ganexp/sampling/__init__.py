"""Samples from a trained run: ``python -m ganexp.sample``."""
