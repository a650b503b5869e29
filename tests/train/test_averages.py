import pytest
import torch
from torch import nn

from groundup.train import TrainConfig
from groundup.train.averages import WeightAverage
from groundup.train.precision import Masters


def convex(config, steps, dtype=torch.float32, progress=None):
    """Descend ‖w - target‖² and return the average, its model and the weights of every step."""
    model = nn.Linear(3, 2, bias=False)
    torch.manual_seed(0)
    target = torch.randn(2, 3)
    masters = Masters(model, dtype)
    average = WeightAverage(masters, config)
    (weight,) = masters.parameters().values()
    seen = []
    for step in range(1, steps + 1):
        with torch.no_grad():
            weight -= 0.3 * (weight - target)
        masters.publish()
        average.update(progress(step) if progress else step / steps)
        seen.append(weight.detach().clone())
    return average, model, weight, seen


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_the_exponential_average_equals_the_closed_formula(decay, dtype):
    average, model, weight, seen = convex(TrainConfig(ema_decay=decay), 12, dtype)
    shares = torch.tensor([decay**i for i in reversed(range(12))], dtype=torch.float64)
    expected = sum(s * w.double() for s, w in zip(shares / shares.sum(), seen, strict=True))
    with average.in_place():
        torch.testing.assert_close(weight.detach(), expected.float())
        assert torch.equal(model.weight, expected.to(dtype)) or dtype == torch.float32
    assert torch.equal(weight, seen[-1])
    assert torch.equal(model.weight, seen[-1].to(dtype))


def test_the_last_snapshots_are_evenly_spaced_and_end_with_the_last_step():
    config = TrainConfig(average_last=4, average_fraction=0.5)
    average, _, weight, seen = convex(config, 40)
    expected = torch.stack([seen[step - 1] for step in (25, 30, 35, 40)]).mean(0)
    average.keep()
    torch.testing.assert_close(weight.detach(), expected)


def test_a_run_made_longer_takes_its_snapshots_anew():
    config = TrainConfig(average_last=2, average_fraction=0.5)
    # Planned for 20 steps, then for 40: the snapshots at 15 and 20 no longer count.
    average, _, weight, seen = convex(
        config, 40, progress=lambda step: step / 20 if step <= 20 else step / 40
    )
    average.keep()
    expected = (seen[29] + seen[39]) / 2
    torch.testing.assert_close(weight.detach(), expected)


def test_a_run_that_ends_between_two_steps_takes_the_last_snapshot():
    config = TrainConfig(average_last=4, average_fraction=0.5)
    average, _, weight, seen = convex(config, 39, progress=lambda step: step / 40)
    average.finish()
    average.finish()
    average.keep()
    expected = torch.stack([seen[step - 1] for step in (25, 30, 35, 39)]).mean(0)
    torch.testing.assert_close(weight.detach(), expected)


def test_without_averaging_nothing_is_kept_or_exchanged():
    average, _, weight, seen = convex(TrainConfig(), 3)
    assert average.state_dict() == {}
    with average.in_place():
        assert torch.equal(weight, seen[-1])


@pytest.mark.parametrize(
    "options", [{"ema_decay": 0.9}, {"average_last": 3, "average_fraction": 0.5}]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_run_validates_keeps_and_resumes_its_average(
    train, tmp_path, tiny_model, read_lines, options, dtype
):
    options |= {"dtype": dtype, "eval_every": 4}
    plain, whole, parts = (tiny_model() for _ in range(3))
    train("plain", model=plain, dtype=dtype, eval_every=4)
    averaged = train("whole", model=whole, **options)
    # A step that fails halfway leaves the checkpoint before it.
    with pytest.raises(ZeroDivisionError):
        train("parts", model=parts, sample=lambda model: 1 / 0, sample_every=15, **options)
    parts = tiny_model()
    train("parts", model=parts, **options)
    lines = {
        name: read_lines(tmp_path / name / "metrics.jsonl") for name in ("plain", "whole", "parts")
    }
    assert lines["parts"] == lines["whole"]
    losses = {name: [x["loss"] for x in found if "loss" in x] for name, found in lines.items()}
    assert losses["plain"] == losses["whole"]  # the average is looked at, never trained on
    for a, b, c in zip(whole.parameters(), parts.parameters(), plain.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)
    again = tiny_model()
    assert train("whole", model=again, **options) == averaged
    assert all(map(torch.equal, again.parameters(), whole.parameters()))
