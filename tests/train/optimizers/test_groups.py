import pytest

from groundup.train import TrainConfig
from groundup.train.optimizers import group_parameters


def groups_of(model, **options):
    found = group_parameters(
        model, dict(model.named_parameters()), TrainConfig(**options), batch_tokens=4096
    )
    return {group.name: group for group in found}


def test_every_parameter_is_in_one_group(tiny_model):
    model = tiny_model(tie_embeddings=False, bias=True)
    parameters = dict(model.named_parameters())
    groups = groups_of(model)
    assert set(groups) == {"embeddings", "block matrices", "norms and biases", "other matrices"}
    assert groups["embeddings"].parameters.keys() == {"token_embedding.weight"}
    assert groups["other matrices"].parameters.keys() == {"lm_head.weight"}
    assert groups["block matrices"].optimizer == "muon"
    assert all(t.ndim == 2 for t in groups["block matrices"].parameters.values())
    names = [name for g in groups.values() for name in g.parameters]
    assert sorted(names) == sorted(parameters)
    assert sum(g.num_parameters for g in groups.values()) == sum(
        tensor.numel() for tensor in parameters.values()
    )


def test_only_matrices_decay(tiny_model):
    groups = groups_of(tiny_model(architecture="gpt2"), optimizer="adamw", weight_decay=0.3)
    assert {g.name: g.weight_decay for g in groups.values()} == {
        "embeddings": 0.0,
        "block matrices": 0.3,
        "norms and biases": 0.0,
    }
    assert {g.optimizer for g in groups.values()} == {"adamw"}


def test_embeddings_may_have_a_rate_of_their_own(tiny_model):
    groups = groups_of(tiny_model(), embedding_learning_rate=0.3)
    assert groups["embeddings"].learning_rate == 0.3
    assert groups["norms and biases"].learning_rate == 3e-3
    assert groups["block matrices"].learning_rate == 0.02


def test_rates_are_as_they_are_given_unless_a_base_is_named(tiny_model):
    narrow, wide = (groups_of(tiny_model(width=width)) for width in (32, 64))
    rates = [{g.name: g.learning_rate for g in groups.values()} for groups in (narrow, wide)]
    assert rates[0] == rates[1]
    assert set(rates[0].values()) == {3e-3, 0.02}


def test_rates_follow_width_and_batch_from_the_base(tiny_model):
    model = tiny_model(width=128, tie_embeddings=False)
    options = {"base_width": 32, "base_batch_tokens": 1024}
    found = {name: g.learning_rate for name, g in groups_of(model, **options).items()}
    assert found == pytest.approx(
        {
            "embeddings": 3e-3 / 2 * 2,  # width by 4, batch by 4
            "other matrices": 3e-3 / 2 * 2,
            "norms and biases": 3e-3 * 2,
            "block matrices": 0.02 * 2,
        }
    )
    at_base = groups_of(tiny_model(width=32), base_width=32, base_batch_tokens=4096)
    assert {g.learning_rate for g in at_base.values()} == {3e-3, 0.02}
