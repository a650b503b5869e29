"""What only a GPU runs: whole trainings there, in the ways that its recipe uses."""

import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
]


def eighth_is_fast():
    return torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compile": "on"},
        {"optimizer": "adamw"},
        {"batch_ramp": ((0.3, 2),), "average_last": 3},
        {"micro_batch_size": 2},
        pytest.param(
            {"float8": True},
            marks=pytest.mark.skipif(not eighth_is_fast(), reason="needs float8 products"),
        ),
    ],
)
def test_a_run_learns_as_on_a_cpu_and_goes_on_from_what_it_saved(train, options):
    steps = {"learning_rate": 0.01, "schedule": "constant", **options}
    on_cpu = train("cpu", dtype=torch.bfloat16, max_steps=20, **{**steps, "compile": "off"})
    train("gpu", device="cuda", dtype=torch.bfloat16, max_steps=10, **steps)
    found = train("gpu", device="cuda", dtype=torch.bfloat16, max_steps=20, **steps)
    assert found.step == 20
    assert found.last.bits_per_byte == pytest.approx(on_cpu.last.bits_per_byte, rel=0.1)
