"""Measure trained runs after the fact: ``python -m ganexp.evaluate``."""
