"""The loop that the nanoGPT-style and nanochat-style rivals share.

Theirs count steps. Here what a schedule sets follows the clock, which neither can: so that each is
fully annealed when its time is over, and no second is spent on finding out how many steps fit. A
step that is begun is finished: a rival may end later than its time by one step, where groundup
begins none that would (the table's column ``late``).
"""

import itertools
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
    schedule: Callable[[float], None],
    *,
    starts: Tensor,
    autocast: bool = False,
) -> None:
    """Train until the time is over, then score.

    Args:
        job: the clock runs already. Its settings: context, batch, accumulate (micro-batches per
            step), clip (largest gradient norm, 0: any), compile (model and loss as one).
        tokens: to learn.
        model: (B, T) ids to (B, T, V) logits.
        optimizers: of its parameters.
        schedule: sets what changes in them, before each step, given the job's progress.
        starts: where in the text the sequences begin, in the order of reading.
        autocast: to bfloat16.
    """
    settings, T = job.settings, job.settings["context"]
    sequences = itertools.cycle(starts.split(settings["batch"]))

    def logits(ids_BT: Tensor) -> Tensor:
        model.eval()  # uncompiled: other shapes than the training's would be compiled anew
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            found = model(ids_BT)
        model.train()
        return found

    def loss_of(inputs_BT: Tensor, targets_BT: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            logits_BTV = model(inputs_BT)
        return F.cross_entropy(logits_BTV.float().flatten(0, 1), targets_BT.flatten())

    step = 0
    if settings["compile"]:
        loss_of = torch.compile(loss_of, dynamic=False)
    else:
        job.ready()
    while not job.over:
        schedule(job.progress)
        for _ in range(settings["accumulate"]):
            ids = tokens.train[next(sequences)[:, None] + torch.arange(T + 1)]
            loss = loss_of(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
            (loss / settings["accumulate"]).backward()
        if settings["clip"]:
            nn.utils.clip_grad_norm_(model.parameters(), settings["clip"])
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        job.ready()
        job.probe(step, logits, tokens, T)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    job.finish(logits, tokens.validation, tokens.table, context=T, step=step, parameters=parameters)
