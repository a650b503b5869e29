import io

import pytest
import torch
from rich.console import Console

from groundup.train.display import Display, duration
from groundup.train.optimizers import ParameterGroup


def show(*, terminal, max_steps=6, log_every=2):
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=100)
    groups = [ParameterGroup("block matrices", {"w": torch.zeros(20, 100)}, "muon", 0.02, 0.1)]
    with Display(console, max_steps=max_steps, log_every=log_every) as display:
        display.start(0, groups)
        for step in range(1, max_steps + 1):
            line = {"step": step, "loss": 2.0, "tokens_per_second": 1234.5, "seconds": 10.0 * step}
            display.step({**line, "mfu": 0.415})
        display.sample(6, "[bold]a[/] sample \x1b[2J" + "x" * 1000)
        display.warn("look [here]")
    return file.getvalue()


def test_a_log_has_a_line_every_few_steps():
    lines = show(terminal=False, max_steps=5).splitlines()
    steps = [line for line in lines if line.startswith("step ")]
    assert steps == [
        "step 2/5  loss 2.000  1,234 tokens/s  MFU 42%  left 30 s",
        "step 4/5  loss 2.000  1,234 tokens/s  MFU 42%  left 10 s",
        "step 5/5  loss 2.000  1,234 tokens/s  MFU 42%  left 0 s",
    ]


def test_groups_are_shown_with_rate_and_decay():
    row = next(line for line in show(terminal=False).splitlines() if "block matrices" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        *("block matrices", "1", "2,000", "muon", "0.02", "0.1")
    ]


def test_a_terminal_has_a_live_line():
    text = show(terminal=True)
    assert "6/6" in text
    assert "step 2/6" not in text


def test_text_of_the_model_is_shortened_and_never_read_as_markup_or_obeyed():
    text = show(terminal=False)
    assert "sample at step 6: [bold]a[/] sample \N{REPLACEMENT CHARACTER}[2Jxxx" in text
    assert "x…" in text
    assert "x" * 500 not in text
    assert "warning: look [here]" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (8.31, "8.3 s"),
        (41.2, "41 s"),
        (59.7, "1 min 00 s"),
        (250, "4 min 10 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text


def test_by_the_clock_what_is_left_is_time():
    file = io.StringIO()
    console = Console(file=file, force_terminal=False, width=100)
    with Display(console, max_steps=1000, log_every=1, budget=600.0) as display:
        display.start(0, [])
        line = {"step": 3, "loss": 2.0, "tokens_per_second": 1234.5, "seconds": 30.0}
        display.step({**line, "elapsed": 45.0})
        display.step({**line, "elapsed": 700.0})
    lines = [line for line in file.getvalue().splitlines() if line.startswith("step ")]
    assert lines == [
        "step 3  loss 2.000  1,234 tokens/s  left 9 min 15 s",
        "step 3  loss 2.000  1,234 tokens/s  left 0 s",
    ]
