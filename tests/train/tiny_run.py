"""A whole training run that takes about a second; importable by the processes that tests kill."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import torch

from groundup.data import Loader, ShardWriter, TokenShards, validation_batches
from groundup.model import ModelConfig, build_model
from groundup.objectives import NextToken
from groundup.train import FitResult, TrainConfig, fit

VOCABULARY = 32
CONTEXT = 16
CONFIG = {
    "max_steps": 24,
    "batch_size": 4,
    "warmup_steps": 4,
    "eval_every": 8,
    "sample_every": 6,
    "checkpoint_every": 5,
    "tensorboard": "off",
}


def write_tokens(folder: Path) -> None:
    """Documents in which each id is near the one before: something to learn."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for split, count in (("train", 60), ("validation", 5)):
        with ShardWriter(folder, split, vocab_size=VOCABULARY, tokenizer="tiny") as writer:
            walks = random.integers(1, 4, (count, 24)).cumsum(1) % (VOCABULARY - 1) + 1
            ids = np.insert(walks, 0, 0, axis=1)
            writer.add(ids.ravel(), np.full(count, 25), text_bytes=walks.size)
    np.save(folder / "token_bytes.npy", np.minimum(np.arange(VOCABULARY), 1).astype(np.uint16))


def tiny_model(**options):
    shape = {"vocab_size": VOCABULARY, "context_length": CONTEXT, "num_layers": 2, "width": 32}
    # Dropout, so that a resumed run is only the same if the random numbers are.
    heads = {} if options.get("architecture") == "rnn" else {"num_heads": 2}
    options = {"dropout": 0.1, **heads, **shape, **options}
    return build_model(ModelConfig(**options), seed=0)


def tiny_loader(tokens: Path, batch_size: int = CONFIG["batch_size"], seed: int = 1) -> Loader:
    shards = TokenShards.open(tokens, "train")
    return Loader(shards, batch_size=batch_size, context_length=CONTEXT, seed=seed)


def run(
    tokens: Path,
    folder: Path,
    *,
    model=None,
    objective=None,
    loader=None,
    device="cpu",
    dtype=torch.float32,
    sample=lambda model: f"{torch.rand(1).item()}",
    **config,
) -> FitResult:
    """Train in ``folder``; anything can be replaced."""
    train, held_out = (TokenShards.open(tokens, split) for split in ("train", "validation"))
    return fit(
        tiny_model() if model is None else model,
        NextToken() if objective is None else objective,
        tiny_loader(tokens) if loader is None else loader,
        config=TrainConfig(**(CONFIG | config)),
        folder=folder,
        seed=7,
        device=torch.device(device),
        dtype=dtype,
        validation=lambda: validation_batches(held_out, batch_size=4, context_length=CONTEXT),
        token_bytes=torch.from_numpy(train.token_bytes.astype(np.int64)),
        sample=sample,
        peak_flops=1e11,
    )


class Slowed:
    """A loader that takes its time, so that a signal meets a run in the middle."""

    def __init__(self, loader: Loader, seconds: float) -> None:
        self.loader, self.seconds = loader, seconds

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def batch(self, step):
        time.sleep(self.seconds)
        return self.loader.batch(step)


def run_in_process(tokens: Path, folder: Path, seconds: float, dtype, config: dict) -> None:
    """Train as a process of its own: exit code 130 where it was interrupted after saving."""
    with Path(os.devnull).open("w") as null:
        os.dup2(null.fileno(), 2)
    torch.set_num_threads(1)
    loader = Slowed(tiny_loader(tokens), seconds)
    result = run(tokens, folder, loader=loader, dtype=dtype, **config)
    sys.exit(130 if result.interrupted else 0)
