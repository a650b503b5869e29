import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.reference.muon import muon as plain_muon
from groundup.train import TrainConfig
from groundup.train.optimizers import Optimizers, ParameterGroup, muon
from groundup.train.optimizers.orthogonalize import JORDAN, POLAR_EXPRESS
from groundup.train.workers import Workers

SHAPES = [(24, 40), (40, 24), (16, 16)]


def train(optimizers, weights, gradients, multipliers):
    for step, multiplier in zip(gradients, multipliers, strict=True):
        for weight, gradient in zip(weights, step, strict=True):
            weight.grad = gradient.clone()
        optimizers.step(multiplier)


def error(trained, expected, weight):
    return ((trained - expected).norm() / (expected - weight).norm()).item()


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ({}, {}),
        (
            {"muon_coefficients": "polar-express"},
            {"coefficients": POLAR_EXPRESS, "slack": 1.01},
        ),
        ({"muon_steps": 3}, {"coefficients": JORDAN[:3]}),
        ({"muon_scale": "rms"}, {"match_rms": True}),
        ({"cautious_weight_decay": True}, {"cautious": True}),
        ({"momentum_warmup_steps": 4}, {"momenta": [0.85, 0.875, 0.9]}),
    ],
    ids=["jordan", "polar express", "three steps", "rms", "cautious", "momentum warm-up"],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_muon_equals_the_plain_one(random_matrix, group, shape, options, plain):
    weights = [random_matrix(*shape, seed=seed) for seed in range(3)]
    gradients = [
        [random_matrix(*shape, seed=10 * step + i) for i in range(3)] for step in (1, 2, 3)
    ]
    trained = [weight.clone() for weight in weights]
    optimizers = Optimizers(
        [group("muon", a=trained[0], b=trained[1], c=trained[2])], TrainConfig(**options)
    )
    train(optimizers, trained, gradients, [0.5, 1.0, 0.25])
    for i, weight in enumerate(weights):
        expected = plain_muon(
            weight,
            [step[i] for step in gradients],
            [0.05, 0.1, 0.025],
            weight_decay=0.1,
            **{"momenta": [0.95] * 3} | plain,
        )
        assert error(trained[i], expected, weight) < 2e-5


@pytest.mark.parametrize("scale", ["shape", "rms"])
@pytest.mark.parametrize("shape", SHAPES)
def test_in_bfloat16_muon_equals_that_of_torch(random_matrix, group, shape, scale):
    weight = random_matrix(*shape, seed=0)
    ours, theirs = weight.clone(), torch.nn.Parameter(weight.clone())
    optimizers = Optimizers([group("muon", w=ours)], TrainConfig(muon_scale=scale), torch.bfloat16)
    adjust = {"shape": "original", "rms": "match_rms_adamw"}[scale]
    torchs = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.1, adjust_lr_fn=adjust)
    for seed in (1, 2, 3):
        ours.grad = random_matrix(*shape, seed=seed)
        theirs.grad = ours.grad.clone()
        optimizers.step(1.0)
        torchs.step()
    assert error(ours, theirs.detach(), weight) < 1e-3


@given(
    counts=st.lists(st.integers(1, 5), min_size=3, max_size=3),
    limit=st.integers(1, 20_000),
    threads=st.integers(1, 3),
)
def test_how_matrices_are_stacked_and_who_takes_them_changes_nothing(counts, limit, threads):
    generator = torch.Generator().manual_seed(0)
    weights = {
        f"{shape}.{i}": torch.randn(*shape, generator=generator)
        for shape, count in zip(SHAPES, counts, strict=True)
        for i in range(count)
    }
    gradients = {name: torch.randn(w.shape, generator=generator) for name, w in weights.items()}

    def trained(together, workers=None):
        tensors = {name: weight.clone() for name, weight in weights.items()}
        named = [tensors] if together else [{name: tensors[name]} for name in tensors]
        groups = [ParameterGroup(str(i), part, "muon", 0.1, 0.1) for i, part in enumerate(named)]
        optimizers = Optimizers(groups, TrainConfig(), workers=workers)
        for name, tensor in tensors.items():
            tensor.grad = gradients[name].clone()
        optimizers.step(1.0)
        return tensors

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(muon, "STACK", limit)
        stacked = trained(True, Workers(threads))
    alone = trained(False)
    for name, weight in stacked.items():
        torch.testing.assert_close(weight, alone[name], atol=2e-6, rtol=1e-5)


def test_a_matrix_without_gradient_only_decays(random_matrix, group):
    first, second = random_matrix(4, 4, seed=0), random_matrix(4, 4, seed=1)
    before = second.clone()
    optimizers = Optimizers([group("muon", a=first, b=second)], TrainConfig())
    first.grad = random_matrix(4, 4, seed=2)
    optimizers.step(1.0)
    torch.testing.assert_close(second, before * 0.99)
