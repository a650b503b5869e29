"""``groundup doctor``: whether this machine computes correctly, how fast, and what follows."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from groundup.cli.flags import parse
from groundup.plan.doctor import Diagnosis, examine


def main(command: str, arguments: Sequence[str]) -> int:
    """Print the findings; return 1 if a check failed."""
    return parse(doctor, arguments, f"groundup {command}")


def doctor(json: bool = False, compile: bool = True) -> int:  # noqa: A002 - names of options
    """Check that this machine computes correctly, and measure how fast; under a minute.

    Args:
        json: print JSON instead of tables.
        compile: check torch.compile too, which takes most of the time.
    """
    found = examine(Path(), compile_too=compile)
    _print_json(found) if json else _print_tables(found)
    return 0 if found.healthy else 1


def _print_json(found: Diagnosis) -> None:
    sys.stdout.write(json.dumps(found.as_json(), indent=2) + "\n")


def _print_tables(found: Diagnosis) -> None:
    out = Console()
    facts = Table(title="machine", show_header=False, title_justify="left")
    for name, value in found.machine.items():
        shown = f"{int(value) / 1e9:.1f} GB" if name == "memory_bytes" else str(value)
        facts.add_row(name.removesuffix("_bytes"), shown)
    facts.add_row("disk free", f"{found.disk_free_bytes / 1e9:.1f} GB")
    out.print(facts)

    rates = Table(title="rates", show_header=False, title_justify="left")
    for name, rate in found.product_flops.items():
        rates.add_row(f"matrix product, {name}", f"{rate / 1e12:.2f} TFLOP/s")
    rates.add_row("memory, reading", f"{found.bandwidth / 1e9:.1f} GB/s")
    out.print(rates)

    checks = Table(title="checks", show_header=False, title_justify="left")
    for check in found.checks:
        verdict = "[green]ok[/]" if check.ok else "[red]FAILED[/]"
        checks.add_row(check.name, verdict, check.detail)
    out.print(checks)

    choices = Table(title="auto chooses", show_header=False, title_justify="left")
    for name, value in found.choices.items():
        choices.add_row(name, value)
    out.print(choices)
    for line in found.advice:
        out.print(f"advice: {line}", highlight=False)
