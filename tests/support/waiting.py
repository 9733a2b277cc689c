"""Jobs of a sweep that wait."""

from pathlib import Path

from ganexp.runs.jobs import Job


def jobs(folder: Path, *names: str) -> list[Job]:
    made = [Job(folder, name, (f"seed={i}",), f"{i:016x}") for i, name in enumerate(names)]
    for job in made:
        job.note(status="waiting")
    return made
