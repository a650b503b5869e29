"""Does this machine compute correctly, how fast, and what follows from it?"""

import copy
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup import machine
from groundup.model import ModelConfig, build_model

LOSS_TOLERANCE = {torch.bfloat16: 2e-2, torch.float32: 1e-4}
"""Allowed difference from the float32 loss, nats. bfloat16 keeps 8 bits: steps of 0.02 near 5."""

GRADIENT_AGREEMENT = {torch.bfloat16: 0.99, torch.float32: 0.9999}
"""Least cosine between all gradients and those of float32."""


@dataclass(frozen=True)
class Check:
    """One question about correctness, answered by computing the same thing in two ways."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Diagnosis:
    """What doctor found; ``asdict`` of it is what ``--json`` prints."""

    machine: dict[str, str | int]
    disk_free_bytes: int
    product_flops: dict[str, float]
    """Rate of a square matrix product by dtype, FLOP/s."""
    bandwidth: float
    """Rate of reading memory, bytes/s."""
    checks: list[Check]
    choices: dict[str, str]
    """What ``auto`` means here."""
    advice: list[str] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"healthy": self.healthy, **asdict(self)}


def examine(folder: Path = Path(), *, compile_too: bool = True) -> Diagnosis:
    """Measure and check this machine; takes a few seconds, with torch.compile up to a minute.

    Args:
        folder: where runs will be kept; its disk is measured.
        compile_too: check torch.compile where there is a compiler.
    """
    machine.keep_memory()
    device = machine.pick_device()
    dtype = machine.pick_precision("auto", device)
    rates = {
        name: machine.matmul_rate(getattr(torch, name), device, size=1024, seconds=0.3)
        for name in ("float32", "bfloat16", "float16")
        if device.type != "cpu" or name != "float16"  # no CPU kernel worth waiting for
    }
    compiles = compile_too and (device.type == "cuda" or machine.has_compiler())
    found = Diagnosis(
        machine=machine.describe(),
        disk_free_bytes=shutil.disk_usage(folder).free,
        product_flops=rates,
        bandwidth=machine.memory_bandwidth(device),
        checks=check(device, compiles=compiles),
        choices={
            "device": str(device),
            "precision": str(dtype).removeprefix("torch."),
            "threads": str(torch.get_num_threads()),
            "keeps freed memory": "yes" if machine.keep_memory() else "no",
            "compile": "possible" if compiles else "off",
        },
    )
    found.advice.extend(advise(found))
    return found


def check(device: torch.device, *, compiles: bool) -> list[Check]:
    """Compare precise with fast arithmetic, and eager with compiled, on a tiny model."""
    checks = [_check_product(device)]
    config = ModelConfig(
        vocab_size=256, context_length=64, num_layers=1, width=64, num_heads=4, init_std=0.2
    )
    model = build_model(config, seed=0, device=device)
    generator = torch.Generator().manual_seed(0)
    ids_BT = torch.randint(256, (4, 65), generator=generator).to(device)
    exact = _loss_and_gradient(model, ids_BT)
    low = copy.deepcopy(model).to(torch.bfloat16)
    checks.append(
        _agree("bfloat16 = float32", _loss_and_gradient(low, ids_BT), exact, torch.bfloat16)
    )
    if compiles:
        try:
            compiled = _loss_and_gradient(_compiled(model), ids_BT)
        except Exception as error:  # noqa: BLE001 - whatever the compiler raises is the finding
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            checks.append(Check("compiled = eager", False, f"torch.compile failed: {reason}"))
        else:
            checks.append(_agree("compiled = eager", compiled, exact, torch.float32))
    return checks


def _check_product(device: torch.device) -> Check:
    """Compare a float32 product with float64 on the CPU: broken memory or overclocking shows."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(512, 512, generator=generator) for _ in range(2))
    exact = a.double() @ b.double()
    error = ((a.to(device) @ b.to(device)).cpu().double() - exact).abs().max() / exact.abs().max()
    # TF32 and bfloat16-backed float32 products are allowed on GPUs: 10 bits of mantissa.
    allowed = 1e-5 if device.type == "cpu" else 2e-3
    return Check("float32 = float64", error.item() < allowed, f"product differs by {error:.1e}")


def _loss_and_gradient(model: nn.Module, ids_BT: Tensor) -> tuple[float, Tensor]:
    """Return the next-token loss, nats, and all gradients as one float32 vector."""
    model.zero_grad()
    logits_BTV = model(ids_BT[:, :-1])
    loss = F.cross_entropy(logits_BTV.flatten(0, 1).float(), ids_BT[:, 1:].flatten())
    loss.backward()
    gradients = [p.grad.flatten().float() for p in model.parameters() if p.grad is not None]
    return loss.item(), torch.cat(gradients)


def _compiled(model: nn.Module) -> nn.Module:
    compiled = copy.deepcopy(model)
    compiled.compile()
    return compiled


def _agree(
    name: str, found: tuple[float, Tensor], exact: tuple[float, Tensor], dtype: torch.dtype
) -> Check:
    difference = abs(found[0] - exact[0])
    cosine = F.cosine_similarity(found[1], exact[1], dim=0).item()
    ok = difference <= LOSS_TOLERANCE[dtype] and cosine >= GRADIENT_AGREEMENT[dtype]
    return Check(name, ok, f"loss differs by {difference:.1e}, gradients' cosine {cosine:.5f}")


def advise(found: Diagnosis) -> list[str]:
    """Return what the user could do, one line each."""
    advice = [
        f"{c.name} FAILED ({c.detail}): set {_way_around(c)} and report it"
        for c in found.checks
        if not c.ok
    ]
    cores, memory = int(found.machine["cores"]), int(found.machine["memory_bytes"])
    threads = int(found.choices["threads"])
    on_cpu = found.choices["device"] == "cpu"
    if on_cpu and "OMP_NUM_THREADS" in os.environ and threads < cores:
        advice.append(f"OMP_NUM_THREADS allows {threads} of {cores} cores: unset it")
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > max(1.0, 0.75 * cores):
        advice.append(
            f"other work is running (load {os.getloadavg()[0]:.1f} on {cores} cores): rates are "
            "low; run this again when it is done"
        )
    if on_cpu and not machine.has_compiler():
        advice.append(
            f"no C++ compiler: torch.compile stays off; {machine.compiler_name()} makes training "
            "up to 1.3× as fast"
        )
    if 0 < memory < 4e9:
        advice.append(f"{memory / 1e9:.1f} GB of memory: keep pretrain.micro_batch_size small")
    if found.disk_free_bytes < 2e9:
        advice.append(f"{found.disk_free_bytes / 1e9:.1f} GB of disk free: a run may not fit")
    rates = found.product_flops
    if on_cpu and rates["bfloat16"] < rates["float32"]:
        advice.append("bfloat16 is not fast on this processor: auto trains in float32")
    return advice or ["nothing: this machine is ready"]


def _way_around(check: Check) -> str:
    return (
        "pretrain.compile = 'off'" if "compiled" in check.name else "pretrain.precision = 'float32'"
    )
