"""litgpt's pretraining, called as its command calls it, in an environment of its own.

Three things are put around it from outside: its cosine counts iterations and is told the clock's
share of them instead; tuned, it has the fused AdamW on a CPU too; and when the time is over the
next look at the learning rate ends the run. What a step had accumulated by then is lost. Its
schedule begins when its first micro-batch is done, by which all is compiled: its own step of 25 of
them may take the whole time.
"""

import importlib
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from race.job import Job
from race.reading import Sequences

ITERATIONS = 10**6
"""What its schedule believes to be the whole run."""


class TimeOverError(Exception):
    """The budget is used up."""


def run(job: Job) -> None:
    """Train until the time is over."""
    pretrain: Any = importlib.import_module("litgpt.pretrain")
    from litgpt.args import EvalArgs, TrainArgs
    from litgpt.config import Config
    from litgpt.data import DataModule

    settings, tokens = job.settings, job.tokens()
    V, T, batch = len(tokens.table), settings["context"], settings["batch"]

    class Texts(DataModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()

        def connect(self, *_: Any, **__: Any) -> None:
            """Nothing to learn from litgpt: ids are ids."""

        def train_dataloader(self) -> DataLoader[Tensor]:
            return DataLoader(Sequences(tokens.train, T, job.seed), batch_size=batch)

        def val_dataloader(self) -> DataLoader[Tensor]:
            # Of the training's size: for a second one torch would compile for any size.
            return DataLoader(Sequences(tokens.train, T, 0), batch_size=batch)

    run_state: dict[str, Any] = {}
    fit, schedule = pretrain.fit, pretrain.get_lr
    optimizer = pretrain.instantiate_torch_optimizer

    def plain(model: Any) -> Any:
        return getattr(model.module, "_orig_mod", model.module)

    def logits(ids_BT: Tensor) -> Tensor:
        model = plain(run_state["model"])
        model.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=settings["precision"] != "32-true"):
            found = model(ids_BT)
        model.train()
        return found

    def get_lr(peak: float, iteration: int, *_: Any) -> float:
        if job.over:
            raise TimeOverError
        if iteration > 0 or not settings["compile"]:
            job.ready()
        with torch.no_grad():
            job.probe(iteration, logits, tokens, T)
        warmup = int(settings["warmup"] * ITERATIONS)
        share = min(int(job.progress * ITERATIONS) + 1, ITERATIONS)
        return float(schedule(peak, share, warmup, ITERATIONS, settings["final_rate"]))

    def fit_until(*arguments: Any, **named: Any) -> None:
        run_state.update(named["state"])
        try:
            fit(*arguments, **named)
        except TimeOverError:
            run_state["steps"] = named["state"]["step_count"]
            run_state["seconds"] = job.elapsed

    def make_optimizer(*arguments: Any, **named: Any) -> Any:
        return optimizer(*arguments, **named | {"fused": settings["fused"]})

    pretrain.fit, pretrain.get_lr = fit_until, get_lr
    pretrain.instantiate_torch_optimizer = make_optimizer
    pretrain.save_checkpoint = lambda *_, **__: None  # the score is taken of the model in memory
    if not settings["compile"]:
        pretrain.torch.compile = lambda model: model
    config = Config.from_name(
        settings["model"], block_size=T, vocab_size=V, padded_vocab_size=V, **settings["shape"]
    )
    torch.set_num_threads(job.threads)
    torch.set_float32_matmul_precision("high")  # as litgpt's __main__
    job.start()
    pretrain.setup(
        settings["model"],
        model_config=config,
        out_dir=job.folder / "litgpt",
        precision=settings["precision"],
        data=Texts(),
        train=TrainArgs(
            save_interval=None,
            log_interval=ITERATIONS,
            global_batch_size=batch * settings["accumulate"],
            micro_batch_size=batch,
            max_tokens=ITERATIONS * batch * T,
            max_norm=1.0,
            min_lr=settings["final_rate"],
            lr_warmup_steps=1,
            tie_embeddings=settings["tie"],
        ),
        eval=EvalArgs(interval=ITERATIONS, max_iters=1, initial_validation=False),
        optimizer={"class_path": "torch.optim.AdamW", "init_args": settings["optimizer"]},
        devices=1,
        logger_name="csv",
        seed=job.seed,
    )
    model = plain(run_state["model"])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    job.finish(
        logits,
        tokens.validation,
        tokens.table,
        context=T,
        step=run_state["steps"],
        parameters=parameters,
        seconds=run_state["seconds"],
    )
