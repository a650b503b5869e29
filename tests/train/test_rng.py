import json
import random

import numpy as np
import torch

from groundup.train import rng

CPU = torch.device("cpu")


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item(), random.gauss(0, 1)


def test_a_state_that_went_through_json_gives_the_same_numbers():
    rng.seed_all(3)
    draw()
    np.random.randn()  # leaves a second normal number waiting
    state = json.loads(json.dumps(rng.capture(CPU)))
    expected = (*draw(), np.random.randn())
    draw()
    rng.restore(state, CPU)
    assert (*draw(), np.random.randn()) == expected


def test_what_is_drawn_in_isolation_changes_nothing_outside():
    rng.seed_all(3)
    expected = draw()
    rng.seed_all(3)
    with rng.isolated(CPU):
        draw()
    assert draw() == expected


def test_a_seed_decides_all_generators():
    rng.seed_all(2**40 + 5)
    first = draw()
    rng.seed_all(2**40 + 5)
    assert draw() == first
