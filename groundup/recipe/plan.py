"""What a run would take, before it starts: ``groundup run RECIPE --dry-run``."""

import torch
from rich.table import Table

from groundup import machine
from groundup.plan.estimate import estimate
from groundup.recipe.run import current_records
from groundup.recipe.schema import Recipe
from groundup.train.budget import settle
from groundup.train.display import duration

WORTHWHILE_EPOCHS = 4
"""Passes through a text that teach almost as much as new text would (arXiv 2305.16264)."""


def plan(recipe: Recipe) -> Table:
    """Return parameters, tokens, steps, time and memory; nothing of the run is computed.

    This machine's matrix products are measured for half a second. Before its tokenizer is
    trained the vocabulary is taken to be as large as the recipe allows.
    """
    config = recipe.pretrain
    machine.set_threads(config.threads)
    device = machine.pick_device(config.device)
    dtype = machine.pick_precision(config.precision, device)
    peak = machine.peak_flops(dtype, device)
    results = {name: record["result"] for name, record in current_records(recipe).items()}
    trained = results.get("tokenizer", {})
    vocab_size = recipe.model.vocab_size or trained.get("vocab_size", recipe.tokenizer.vocab_size)
    shape = recipe.model.model_copy(update={"vocab_size": vocab_size})
    tokens = results.get("tokens", {}).get("train", {}).get("tokens")
    in_epochs = config.duration.unit == "epochs"
    # Before the tokens are there, one step stands for epochs of them.
    settled = settle(
        config.model_copy(update={"budget": "1 steps"}) if in_epochs and not tokens else config,
        context_length=shape.context_length,
        tokens_per_sequence=shape.context_length,
        sequences_per_epoch=max(1, (tokens or 0) // shape.context_length),
    )
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    found = estimate(shape, settled, peak_flops=peak, dtype=dtype, threads=threads)
    unknown = "known once the text is tokenized" if in_epochs and not tokens else ""
    passes = found.tokens / tokens if tokens else 0
    epochs = f", {passes:.1f} epochs" if tokens else ""
    if passes > WORTHWHILE_EPOCHS:
        epochs += f" (past {WORTHWHILE_EPOCHS} the same text teaches less and less)"
    by_clock = config.duration.unit == "seconds"
    precision = str(dtype).removeprefix("torch.")
    rows = {
        "parameters": f"{found.parameters:,} ({found.matmul_parameters:,} in matrix products)",
        "vocabulary": f"{vocab_size:,}" + ("" if trained else " at most"),
        "tokens per step": f"{found.tokens_per_step:,}",
        "budget": str(config.duration),
        "steps": unknown or ("about " if by_clock else "") + f"{found.steps:,}",
        "tokens": unknown or ("about " if by_clock else "") + f"{found.tokens:,}{epochs}",
        "operations": unknown or f"{found.flops:.2e} FLOP",
        "time": unknown or ("" if by_clock else "about ") + duration(found.seconds),
        "measured": f"{peak / 1e12:.2f} TFLOP/s in {precision} on {device}",
        "memory": f"about {found.memory_bytes / 1e9:.2f} GB",
    }
    table = Table(title=f"plan of {recipe.folder}", show_header=False, title_justify="left")
    for name, value in rows.items():
        table.add_row(name, value)
    return table
