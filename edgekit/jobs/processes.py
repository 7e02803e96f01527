"""Jobs in processes of this computer: each worker imports and loads data once, and computes with one thread."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import cast

from edgekit.jobs.job import Job, Outcome, attempt

SPAWN = get_context("spawn")  # a forked process would inherit the locks of torch's threads
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
GRACE = 5.0  # seconds that a worker gets to end by itself


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(jobs: Sequence[Job], workers: int | None) -> Generator[tuple[Job, Outcome], None, None]:
    """Run ``jobs`` on ``workers`` processes (default: one per core); yields each as it ends.

    A process that dies takes one job with it, which is reported, and is replaced. With one worker, or for one job,
    everything runs in this process.
    """
    workers = min(workers or cores(), len(jobs))
    if workers <= 1:
        for job in jobs:
            yield job, attempt(job.function, job.settings)
        return
    waiting, busy = list(reversed(jobs)), dict[Connection, tuple[SpawnProcess, Job]]()
    processes: list[SpawnProcess] = []
    idle: list[tuple[Connection, SpawnProcess]] = []
    try:
        with one_thread():
            for _ in range(workers):
                idle.append(start(processes))
            while waiting or busy:
                while waiting and idle:
                    connection, process = idle.pop()
                    job = waiting.pop()
                    busy[connection] = process, job
                    connection.send((job.function, dict(job.settings)))
                for ready in wait(list(busy)):
                    connection = cast(Connection, ready)
                    process, job = busy.pop(connection)
                    try:
                        outcome = connection.recv()
                        idle.append((connection, process))
                    except EOFError:
                        process.join()
                        outcome = Outcome(error=obituary(process.exitcode))
                        if waiting:
                            idle.append(start(processes))
                    yield job, outcome
    finally:
        stop(processes, [connection for connection, _ in idle], hurry=bool(busy))


def start(processes: list[SpawnProcess]) -> tuple[Connection, SpawnProcess]:
    """A new worker, added to ``processes``, and the line to it."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=serve, args=(theirs,), daemon=True)
    # Ctrl-C waits meanwhile: a worker that is not in the list yet would be left over. The worker inherits the mask.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
        processes.append(process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()  # only the worker holds its end: when it dies, ours reads the end of the file
    return ours, process


def serve(connection: Connection) -> None:
    """A worker's life: calls come in, outcomes go out, until the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    while True:
        try:
            function, settings = connection.recv()
        except EOFError:
            return
        connection.send(attempt(function, settings))


def stop(processes: Sequence[SpawnProcess], idle: Sequence[Connection], hurry: bool) -> None:
    """End the workers: closed lines end the idle ones; the others are in the middle of something nobody waits for."""
    for connection in idle:
        connection.close()
    for process in processes:
        if hurry:
            process.terminate()
        process.join(GRACE)
        if process.is_alive():
            process.kill()
            process.join()


def obituary(code: int | None) -> str:
    """Why a worker is gone."""
    if code is not None and code < 0:
        hint = "; perhaps there was not enough memory, try fewer --jobs" if -code == signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-code).name}{hint}"
    return f"its process ended with exit code {code}"


@contextmanager
def one_thread() -> Iterator[None]:
    """Processes started here compute with one thread each: parallel jobs must not fight over the cores."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
