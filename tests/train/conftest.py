"""Tiny training runs, in this process and in others."""

import json
import multiprocessing
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # the processes below import it by name

import tiny_run


@pytest.fixture(scope="session")
def tokens(tmp_path_factory):
    """A folder of token shards."""
    folder = tmp_path_factory.mktemp("tiny") / "tokens"
    tiny_run.write_tokens(folder)
    return folder


@pytest.fixture
def tiny_model():
    """Make a model with fresh weights."""
    return tiny_run.tiny_model


@pytest.fixture
def loader(tokens):
    """Batches of four sequences."""
    return tiny_run.tiny_loader(tokens)


@pytest.fixture
def train(tokens, tmp_path):
    """Train in a folder of this test: ``train("a", max_steps=9)``."""
    return lambda name="run", **options: tiny_run.run(tokens, tmp_path / name, **options)


@pytest.fixture(scope="session")
def start_run(tokens):
    """Start training in another process, forked from one that has torch loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["groundup.objectives", "torch._dynamo"])
    started = []

    def start(folder, *, seconds=0.0, dtype=torch.float32, **config):
        arguments = (tokens, folder, seconds, dtype, config)
        process = context.Process(target=tiny_run.run_in_process, args=arguments)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def read_lines():
    """Read a file of JSON lines without what the clock decides."""
    clock = {"seconds", "data_seconds", "elapsed", "tokens_per_second", "mfu"}

    def read(path):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [{key: line[key] for key in line.keys() - clock} for line in lines]

    return read
