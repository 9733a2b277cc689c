"""Training with Lightning: what feeds a model, what happens beside it, and what a run amounts to."""
