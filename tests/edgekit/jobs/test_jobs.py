"""Independent jobs: kept results, faults of one job, processes and Ray."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgekit.jobs.job import Job, Outcome
from edgekit.jobs.run import run_jobs
from edgekit.jobs.store import Store
from edgekit.optional import advice
from edgekit.screen import Screen
from quant.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
FUNCTIONS = "tests.edgekit.jobs.functions"
QUIET = Screen(quiet=True)


def squares(folder: Path, count: int = 3) -> list[Job]:
    return [Job(f"{FUNCTIONS}:square", {"number": n, "folder": str(folder)}, f"square of {n}") for n in range(count)]


def faults(folder: Path, *ways: str) -> list[Job]:
    settings = [{"number": n, "folder": str(folder), "how": how} for n, how in enumerate(ways)]
    return [Job(f"{FUNCTIONS}:faulty", each, f"job {each['number']}") for each in settings]


def ran(folder: Path) -> dict[str, int]:
    return {path.name: len(path.read_text()) for path in sorted(folder.glob("ran-*"))}


def test_a_key_depends_on_function_and_settings_alone() -> None:
    job = Job("a:b", {"x": 1, "y": [2.5, None]}, "one")
    assert job.key == Job("a:b", {"y": [2.5, None], "x": 1}, "another title").key
    assert len({job.key, Job("a:c", job.settings, "").key, Job("a:b", {"x": 2, "y": [2.5, None]}, "").key}) == 3
    assert job.key == "d32e15e2befdc6ec81f2"


def test_results_are_kept_and_not_computed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jobs, store = squares(tmp_path), Store(tmp_path / "kept")
    results = run_jobs([*jobs, jobs[0]], store, Screen(), "squares", workers=1)
    assert [result["square"] for result in results] == [0, 1, 4, 0]
    assert "square of 2: done" in capsys.readouterr().err
    assert run_jobs(jobs, store, Screen(), "squares", workers=1) == results[:3]
    assert ran(tmp_path) == {"ran-0": 1, "ran-1": 1, "ran-2": 1}
    assert "3 of 3, 3 kept from before" in capsys.readouterr().err
    content = json.loads(store.path(jobs[2]).read_text())
    assert (content["title"], content["settings"]) == ("square of 2", jobs[2].settings)


def test_a_damaged_result_is_computed_again(tmp_path: Path) -> None:
    (job,), store = squares(tmp_path, 1), Store(tmp_path / "kept")
    store.put(job, Outcome({"square": 5}))
    assert store.get(job) == {"square": 5}
    store.path(job).write_text('{"resu')
    assert run_jobs([job], store, QUIET, "squares")[0]["square"] == 0
    store.clear()
    assert store.get(job) is None


def test_processes_share_the_work_and_have_one_thread_each(tmp_path: Path) -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    results = run_jobs(squares(tmp_path, 4), Store(tmp_path / "kept"), QUIET, "squares", workers=2)
    assert [result["square"] for result in results] == [0, 1, 4, 9]
    assert os.getpid() not in {result["process"] for result in results}
    assert {result["threads"] for result in results} == {"1"}
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_faults_of_some_jobs_do_not_lose_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = faults(tmp_path, "user", "killed", "no", "bug", "exit", "no")
    with pytest.raises(UserError) as caught:
        run_jobs(jobs, Store(tmp_path / "kept"), Screen(), "jobs", workers=2)
    found = {problem.where: problem.what for problem in caught.value.problems}
    assert set(found) == {"job 0", "job 1", "job 3", "job 4"}
    assert "the recording is too short" in found["job 0"]
    assert found["job 1"] == "its process was ended by SIGKILL; perhaps there was not enough memory, try fewer --jobs"
    assert "KeyError: 'oops'" in found["job 3"]
    assert found["job 4"] == "its process ended with exit code 3"
    assert "the same command tries again" in caught.value.problems[-1].fix
    assert ran(tmp_path) == {"ran-2": 1, "ran-5": 1}
    said = capsys.readouterr().err
    assert "2 of 6" in said and "job 3: KeyError: 'oops'" in said
    assert "job 0: subject 7: the recording is too short (0 s)" in said


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    program = f"""
import signal
from pathlib import Path
from edgekit.jobs.job import Job
from edgekit.jobs.run import run_jobs
from edgekit.jobs.store import Store
from edgekit.screen import Screen
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell inherit that it is ignored
    jobs = [
        Job("{FUNCTIONS}:" + name, dict(number=number, folder={str(tmp_path)!r}), name)
        for number, name in enumerate(("square", "endless", "endless"))
    ]
    run_jobs(jobs, Store(Path({str(tmp_path / "kept")!r})), Screen(quiet=True), "jobs", workers=2)
"""
    script = tmp_path / "program.py"
    script.write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, str(script)]
    process = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    for _ in range(2400):  # two minutes: a loaded machine takes its time to start three processes
        if len(ran(tmp_path)) == 3:
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT
    assert [json.loads(path.read_text())["title"] for path in (tmp_path / "kept").glob("*.json")] == ["square"]
    with pytest.raises(ProcessLookupError):  # nobody is left in the group; the last one needs a moment
        for _ in range(200):
            os.killpg(process.pid, 0)
            time.sleep(0.05)


def test_a_local_ray_cluster_runs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="ray is not installed (pip install 'edgekit[scale]')")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("EDGEKIT_DATA", str(tmp_path))
    jobs = [*squares(tmp_path, 2), *faults(tmp_path, "data", "bug", "exit")]
    store = Store(tmp_path / "kept")
    with pytest.raises(UserError) as caught:
        run_jobs(jobs, store, QUIET, "jobs", engine="ray", workers=2)
    found = {problem.where: problem.what for problem in caught.value.problems}
    assert set(found) == {"job 1", "job 2"}
    assert "KeyError: 'oops'" in found["job 1"]
    assert found["job 2"].startswith("Ray: ")
    first, second, data = (store.get(job) for job in jobs[:3])
    assert (first["square"], second["square"], data) == (0, 1, {"data": str(tmp_path)})
    assert os.getpid() not in {first["process"], second["process"]}


def test_without_ray_there_is_advice() -> None:
    assert advice("ray") == ("the package 'ray' is not installed", "pip install 'edgekit[scale]'")
