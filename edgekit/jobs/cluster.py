"""Jobs on a Ray cluster: the one that RAY_ADDRESS names, or one of this computer's cores, started and ended here."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Sequence
from typing import Any

from edgekit.jobs.job import Job, Outcome, attempt

PASSED_ON = ("EDGEKIT_DATA", "EDGEKIT_CACHE", "ZIG_GLOBAL_CACHE_DIR")  # where they are set, workers see the same


def on_ray(jobs: Sequence[Job], workers: int | None) -> Generator[tuple[Job, Outcome], None, None]:
    """Run ``jobs`` as Ray tasks of one core each; yields each as it ends.

    Args:
        workers: at most so many at once (default: whatever the cluster has).
    """
    if not jobs:
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    address = os.environ.get("RAY_ADDRESS")
    local: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
    variables = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    ray.init(address, logging_level=logging.ERROR, log_to_driver=False, runtime_env={"env_vars": variables}, **local)
    try:
        task = ray.remote(num_cpus=1, max_retries=0)(attempt)
        waiting, running = list(reversed(jobs)), dict[Any, Job]()
        while waiting or running:
            while waiting and (workers is None or len(running) < workers):
                job = waiting.pop()
                running[task.remote(job.function, dict(job.settings))] = job
            (done,), _ = ray.wait(list(running), num_returns=1)
            job = running.pop(done)
            try:
                outcome = ray.get(done)
            except ray.exceptions.RayError as error:
                outcome = Outcome(error=f"Ray: {error}")
            yield job, outcome
    finally:
        ray.shutdown()
