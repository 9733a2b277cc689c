"""Search: a sampler chooses the runs of a sweep instead of a grid, by what the earlier ones have scored. Built on Optuna.

A command makes a search with :func:`.plan.plan`, creates its study with :func:`.study.create`, and hands a
:class:`.worker.Worker` to a launcher as often as there are workers. Nothing here imports Optuna before it is needed: it is an
optional dependency.
"""
