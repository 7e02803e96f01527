"""Results of jobs on disk, one JSON file each, under the key of the job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.jobs.job import Job, Outcome
from quant.datasets.cache import write_atomic


class Store:
    """A folder of results: each holds the job too, so that a file explains itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, job: Job) -> Path:
        return self.folder / f"{job.key}.json"

    def get(self, job: Job) -> Any:
        """The kept result; None where there is none or where its file is damaged."""
        try:
            return json.loads(self.path(job).read_text(encoding="utf-8"))["result"]
        except (OSError, ValueError, KeyError):
            return None

    def put(self, job: Job, outcome: Outcome) -> None:
        """Keep a result in one step: a killed process leaves a whole file or none."""
        content = {
            "title": job.title,
            "function": job.function,
            "settings": job.settings,
            "seconds": round(outcome.seconds, 3),
            "result": outcome.result,
        }
        write_atomic(self.path(job), (json.dumps(content, indent=1) + "\n").encode())

    def clear(self) -> None:
        """Forget every result."""
        for path in self.folder.glob("*.json"):
            path.unlink()

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs that have yet to run, each once."""
        return [job for job in {job.key: job for job in jobs}.values() if self.get(job) is None]
