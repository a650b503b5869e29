"""In which order rivals read: as nanoGPT does, at random, or everything once before anything twice.

litgpt's data modules, nanochat's loader and Hugging Face's course read a text in passes; random
crops leave out a third of it where a budget is worth one pass.
"""

import torch
from torch import Tensor
from torch.utils.data import Dataset

MOST = 1 << 20
"""Sequences, more than any budget is worth."""


def random_starts(tokens: int, context: int, seed: int, count: int = MOST) -> Tensor:
    """Return where ``count`` random crops of context + 1 tokens begin."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(tokens - context, (count,), generator=generator)


def passes(tokens: int, context: int, seed: int, count: int = MOST) -> Tensor:
    """Return where ``count`` sequences of context + 1 tokens begin, in passes over the text.

    A pass has blocks side by side, in random order, the first of them at a random place within a
    context's length: so none has the same blocks as another.
    """
    generator = torch.Generator().manual_seed(seed)
    found: list[Tensor] = []
    left = count
    while left > 0:
        first = int(torch.randint(min(context, tokens - context), (), generator=generator))
        blocks = (tokens - 1 - first) // context
        order = torch.randperm(blocks, generator=generator)
        found.append(first + context * order)
        left -= blocks
    return torch.cat(found)[:count]


class Sequences(Dataset[Tensor]):
    """Sequences of one token more than the context, in passes; to be read in their order."""

    def __init__(self, ids: Tensor, context: int, seed: int) -> None:
        self.ids, self.context = ids, context
        self.starts = passes(len(ids), context, seed).tolist()

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, place: int) -> Tensor:
        return self.ids[self.starts[place] : self.starts[place] + self.context + 1]
