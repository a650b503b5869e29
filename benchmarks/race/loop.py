"""The loop that the nanoGPT-style and nanochat-style rivals share.

Theirs count steps. Here the learning rate follows the clock, which neither can: so that each is
fully annealed when its time is over, and no second is spent on finding out how many steps fit.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from race.job import Job
from race.text import Tokens


def train(
    job: Job,
    tokens: Tokens,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    multiplier: Callable[[float], float],
) -> None:
    """Train until the time is over, then score.

    Args:
        job: the clock runs already. Its settings: context, batch, accumulate (micro-batches per
            step), clip (largest gradient norm, 0: any), bfloat16 (by autocast), compile.
        tokens: to learn, in random crops as nanoGPT takes them.
        model: (B, T) ids to (B, T, V) logits.
        optimizers: each with its peak learning rates.
        multiplier: of these, from the share of the time that is over.
    """
    settings, T = job.settings, job.settings["context"]
    generator = torch.Generator().manual_seed(job.seed)
    peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    compiled = torch.compile(model) if settings["compile"] else model

    def autocast() -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=settings["bfloat16"])

    def logits(ids_BT: Tensor) -> Tensor:
        model.eval()  # uncompiled: other shapes than the training's would be compiled anew
        with autocast():
            found = model(ids_BT)
        model.train()
        return found

    step = 0
    while (progress := job.progress) < 1:
        for optimizer, rates in zip(optimizers, peaks, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * multiplier(progress)
        for _ in range(settings["accumulate"]):
            starts = torch.randint(len(tokens.train) - T, (settings["batch"],), generator=generator)
            crops = tokens.train[starts[:, None] + torch.arange(T + 1)]
            inputs_BT, targets_BT = crops[:, :-1].contiguous(), crops[:, 1:].contiguous()
            with autocast():
                logits_BTV = compiled(inputs_BT)
            loss = F.cross_entropy(logits_BTV.float().flatten(0, 1), targets_BT.flatten())
            (loss / settings["accumulate"]).backward()
        if settings["clip"]:
            nn.utils.clip_grad_norm_(model.parameters(), settings["clip"])
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        job.probe(step, logits, tokens, T)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    job.finish(logits, tokens.validation, tokens.table, context=T, step=step, parameters=parameters)
