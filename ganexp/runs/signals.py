"""Which of a run's values stand in tables, and how they are written."""


def is_headline(name: str) -> bool:
    """Return whether a value stands in tables: those with a slash in their name are details, except for the losses."""
    return "/" not in name or name.startswith("loss/")


def text(value: float | None) -> str:
    """Write a value with four digits; nothing for one that is missing."""
    return "" if value is None else f"{value:,.4g}"
