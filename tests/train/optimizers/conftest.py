"""Random matrices, and groups of one tensor."""

import pytest
import torch

from groundup.train.optimizers import ParameterGroup


@pytest.fixture
def random_matrix():
    """Draw a matrix: ``random_matrix(4, 6, seed=1)``."""
    return lambda *shape, seed: torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def group():
    """Make a group of some tensors: ``group("muon", w=tensor)``."""

    def make(optimizer, learning_rate=0.1, weight_decay=0.1, **tensors):
        return ParameterGroup("block matrices", tensors, optimizer, learning_rate, weight_decay)

    return make
