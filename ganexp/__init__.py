"""Train generative adversarial networks from one command: an experiment is a point on independent axes."""

__version__ = "0.1.0"
