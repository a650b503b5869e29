"""groundup, through the parts that its pretrain stage is made of."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup import machine
from groundup.data import Batch, Loader, ShardWriter, TokenShards, validation_batches
from groundup.data.write_shards import write_token_bytes
from groundup.model import ModelConfig, build_model
from groundup.objectives import NextToken
from groundup.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from groundup.train import TrainConfig, fit, known_text_bytes
from race.job import Job, probe_ids


def run(job: Job) -> None:
    """Train with a budget of time; the curve is that of metrics.jsonl."""
    machine.keep_memory()
    settings = job.settings
    text, held_out = job.text("train"), job.text("validation")
    tokenizer, _ = train_tokenizer(
        TokenizerConfig(**settings["tokenizer"]), text.splitlines(keepends=True)
    )
    shards = job.folder / "shards"
    shards.mkdir()
    held_out_ids = torch.from_numpy(tokenizer.encode_to_numpy(held_out).astype(np.int64))
    table = [tokenizer.decode_bytes([number]) for number in range(tokenizer.vocab_size)]
    write = partial(_write_shards, tokenizer=tokenizer, table=table, folder=shards)
    write(tokenizer.encode_to_numpy(text), "train")
    write(probe_ids(held_out_ids, table).numpy(), "validation")
    write_token_bytes(shards, tokenizer)
    device = torch.device("cpu")

    job.start()
    shape = ModelConfig(**settings["model"]).with_vocabulary(tokenizer.vocab_size)
    config = TrainConfig(
        **settings["pretrain"],
        budget=f"{job.budget:g} s",
        sample_every=0,
        checkpoint_every=0,
        tensorboard="off",
        threads=job.threads,
    )
    dtype = machine.pick_precision(config.precision, device)
    probe = TokenShards.open(shards, "validation")

    def validation() -> Iterator[Batch]:
        return validation_batches(
            probe, batch_size=config.batch_size, context_length=shape.context_length
        )

    model = build_model(shape, seed=job.seed)
    result = fit(
        model,
        NextToken(),
        Loader(
            TokenShards.open(shards, "train"),
            batch_size=config.batch_size,
            context_length=shape.context_length,
            seed=job.seed,
        ),
        config=config,
        folder=job.folder / "run",
        seed=job.seed,
        device=device,
        dtype=dtype,
        validation=validation,
        token_bytes=known_text_bytes(probe),
        started=job.began,
    )
    lines = (job.folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    _write_curve(job, records)
    model.eval()

    def logits(ids_BT: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            return model(ids_BT)

    job.finish(
        logits,
        held_out_ids,
        table,
        context=shape.context_length,
        step=result.step,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        compiled_steps=sum(record.get("compiled", False) for record in records),
        precision=str(dtype).removeprefix("torch."),
    )


def _write_shards(
    text_ids: np.ndarray, split: str, *, tokenizer: Tokenizer, table: list[bytes], folder: Path
) -> None:
    ids = np.append(tokenizer.end_of_text_id, text_ids)
    text_bytes = int(np.array([len(token) for token in table])[text_ids].sum())
    with ShardWriter(
        folder,
        split,  # type: ignore[arg-type]
        vocab_size=tokenizer.vocab_size,
        tokenizer=tokenizer.fingerprint,
    ) as writer:
        writer.add(ids, np.array([len(ids)]), text_bytes=text_bytes)


def _write_curve(job: Job, records: list[dict[str, Any]]) -> None:
    elapsed = 0.0
    for facts in records:
        elapsed = facts.get("elapsed", elapsed)
        if found := facts.get("validation"):
            job.note(facts["step"], found["bits_per_byte"], elapsed)
