"""Kill, interrupt, fill the disk: what was finished stays, and the same command goes on."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from groundup.cli import main

LONG = ["run", "tiny.toml", "--pretrain.max-steps", "300", "--pretrain.eval-every", "100"]
LONG += ["--pretrain.checkpoint-every", "20", "--evaluate.tasks", "bits_per_byte"]


def wait_for_step(process: "subprocess.Popen[str]", step: int) -> None:
    metrics = Path("runs/tiny/pretrain/metrics.jsonl")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        if metrics.exists() and len(metrics.read_text().splitlines()) >= step:
            return
        time.sleep(0.01)
    pytest.fail(f"no step {step} within a minute")


def test_killed_and_interrupted_the_run_ends_as_if_it_had_not_been(place, start, capsys):
    killed = start(*LONG)
    wait_for_step(killed, 50)
    killed.kill()
    killed.communicate()

    interrupted = start(*LONG)
    wait_for_step(interrupted, 100)
    interrupted.send_signal(signal.SIGINT)
    _, error = interrupted.communicate()
    assert interrupted.returncode == 130
    assert "groundup: interrupted at step" in error.splitlines()[-1]
    assert "run the same command to resume" in error.splitlines()[-1]
    assert not Path("runs/tiny/base").exists()

    assert main(LONG) == 0
    assert "resumed" in capsys.readouterr().out
    assert main([*LONG, "--name", "straight"]) == 0
    weights = [Path(f"runs/{name}/base/model.safetensors") for name in ("tiny", "straight")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_ctrl_c_saves_where_it_also_ends_the_tee_that_reads_the_log(place, start, capsys):
    interrupted = start(*LONG, "--pretrain.log-every", "1")
    wait_for_step(interrupted, 50)
    interrupted.stderr.close()
    wait_for_step(interrupted, 70)  # nobody reads what it says, and it goes on
    interrupted.send_signal(signal.SIGINT)
    interrupted.wait()
    assert interrupted.returncode == 130
    lines = Path("runs/tiny/pretrain/metrics.jsonl").read_text().splitlines()
    step = json.loads(lines[-1])["step"]
    saved = sorted(path.name for path in Path("runs/tiny/pretrain/checkpoints").glob("step-*"))
    assert saved[-1] == f"step-{step:08}"


def assert_one_line_about_the_disk(process: "subprocess.Popen[str]", advice: str) -> None:
    _, error = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in error
    assert advice in error.splitlines()[-1]


def test_a_file_that_may_not_grow_fails_in_one_line(place, start):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    assert_one_line_about_the_disk(start("run", "tiny.toml", preexec_fn=limit), "size limit")
    assert not Path("runs/tiny/corpus").exists()


@pytest.fixture
def small_disk(place):
    """A file system of 4 MB at ``runs``, where mounting is allowed."""
    runs = place / "runs"
    runs.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(runs)]
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this root may not mount a small disk")
    yield runs
    subprocess.run(["umount", str(runs)], check=True)


def test_on_a_full_disk_finished_stages_stay_and_the_run_goes_on_when_there_is_room(
    place, small_disk, capsys
):
    for stage in ("corpus", "tokenizer", "tokenize"):
        assert main([stage, "tiny.toml"]) == 0
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * 4096 - 40_000))
    capsys.readouterr()
    assert main(["run", "tiny.toml"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert "the disk is full" in error.splitlines()[-1]

    ballast.unlink()
    assert main(["run", "tiny.toml"]) == 0
    table = capsys.readouterr().out
    assert table.count("up to date") == 3
