"""Running jobs: what is kept already is taken, the rest is computed and kept one by one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any

from edgekit.jobs.cluster import on_ray
from edgekit.jobs.job import Job, Outcome
from edgekit.jobs.processes import in_processes
from edgekit.jobs.store import Store
from edgekit.options import positive
from edgekit.screen import Screen
from quant.errors import Problem, UserError

Engine = Callable[[Sequence[Job], int | None], Generator[tuple[Job, Outcome], None, None]]
ENGINES: dict[str, Engine] = {"processes": in_processes, "ray": on_ray}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every verb that runs jobs."""
    parser.add_argument(
        "--engine", choices=ENGINES, default="processes", help="where jobs run (default: processes of this computer)"
    )
    parser.add_argument("--jobs", type=positive, help="how many run at once (default: one per core)")


def run_jobs(
    jobs: Sequence[Job],
    store: Store,
    screen: Screen,
    title: str,
    *,
    engine: str = "processes",
    workers: int | None = None,
    describe: Callable[[Job, Any], str] = lambda job, result: "done",
) -> list[Any]:
    """The results of ``jobs``, in their order; those that ``store`` holds are not computed again.

    Args:
        title: of the progress bar.
        describe: a job's result in a few words, said when it ends.

    Raises:
        UserError: some jobs failed; every other one has run and is kept.
    """
    missing = store.missing(jobs)
    total = len({job.key for job in jobs})
    failed: list[Problem] = []
    with screen.step(title) as step:
        done = total - len(missing)
        step.at(done, total)
        with closing(ENGINES[engine](missing, workers)) as outcomes:
            for job, outcome in outcomes:
                done += 1
                if outcome.error is None:
                    store.put(job, outcome)
                    line = describe(job, outcome.result)
                else:
                    failed.append(Problem(outcome.error.rstrip(), job.title))
                    line = headline(outcome.error)
                step.at(done, total, job.title)
                screen.say(f"  {job.title}: {line} ({outcome.seconds:.0f} s)")
        kept = f", {total - len(missing)} kept from before" if len(missing) < total else ""
        step.end(f"{total - len(failed)} of {total}{kept}")
    if failed:
        last = failed.pop()
        fix = "the others are kept: the same command tries again what is missing"
        raise UserError([*failed, Problem(last.what, last.where, fix=fix)])
    return [store.get(job) for job in jobs]


def headline(error: str) -> str:
    """The one line that matters: the last one of a traceback, the first one of a message."""
    return error.rstrip().splitlines()[-1 if error.startswith("Traceback") else 0]
