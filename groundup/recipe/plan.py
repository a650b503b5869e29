"""What a run would take, before it starts: ``groundup run RECIPE --dry-run``."""

from rich.table import Table

from groundup import machine
from groundup.plan.estimate import estimate
from groundup.recipe.run import current_records
from groundup.recipe.schema import Recipe
from groundup.train.display import duration


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
    found = estimate(shape, config, peak_flops=peak, dtype=dtype)

    tokens = results.get("tokens", {}).get("train", {}).get("tokens")
    epochs = f", {found.tokens / tokens:.1f} epochs" if tokens else ""
    precision = str(dtype).removeprefix("torch.")
    rows = {
        "parameters": f"{found.parameters:,} ({found.matmul_parameters:,} in matrix products)",
        "vocabulary": f"{vocab_size:,}" + ("" if trained else " at most"),
        "tokens per step": f"{found.tokens_per_step:,}",
        "steps": f"{found.steps:,}",
        "tokens": f"{found.tokens:,}{epochs}",
        "operations": f"{found.flops:.2e} FLOP",
        "time": f"about {duration(found.seconds)}",
        "measured": f"{peak / 1e12:.2f} TFLOP/s in {precision} on {device}",
        "memory": f"about {found.memory_bytes / 1e9:.2f} GB",
    }
    table = Table(title=f"plan of {recipe.folder}", show_header=False, title_justify="left")
    for name, value in rows.items():
        table.add_row(name, value)
    return table
