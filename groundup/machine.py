"""What this machine is, how fast it multiplies, and the few settings that follow from it.

Nothing here is guessed from a product name where it can be measured in a fraction of a second.
"""

import ctypes
import math
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal

import torch

from groundup.errors import UsageError

Precision = Literal["auto", "float32", "bfloat16"]


def pick_device(name: str = "auto") -> torch.device:
    """Return the device to compute on; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: the named device is unknown or not on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
        if device.type == "cuda" and device.index is not None:
            # Streams that nobody names are this one's: checkpoints wait for the right copies.
            torch.cuda.set_device(device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"device {name!r} is not usable here ({reason}); use 'auto' or 'cpu'"
        ) from None
    return device


def pick_precision(name: Precision, device: torch.device) -> torch.dtype:
    """Return the dtype for matrix products; ``auto`` takes bfloat16 where it is the faster one.

    On CUDA that is compute capability 8.0 and up. On a CPU both are measured, because the answer
    depends on AMX or AVX512-BF16 and on the library behind them.
    """
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
        return torch.bfloat16 if native else torch.float32
    if device.type == "cpu":
        products = [_product(dtype, device, 512) for dtype in (torch.float32, torch.bfloat16)]
        of_float32, of_bfloat16 = _fastest(products, device, seconds=0.3)
        return torch.bfloat16 if of_float32 > 1.3 * of_bfloat16 else torch.float32
    return torch.float32


def matmul_rate(
    dtype: torch.dtype, device: torch.device, *, size: int = 1024, seconds: float = 0.25
) -> float:
    """Return the rate of a square matrix product in FLOP/s (2 n³ per product)."""
    (fastest,) = _fastest([_product(dtype, device, size)], device, seconds)
    return 2 * size**3 / fastest


def peak_flops(dtype: torch.dtype, device: torch.device) -> float:
    """Return the best matrix-product rate over a few sizes, FLOP/s; takes half a second.

    Utilization (MFU) is counted against this measured peak, not against a data sheet.
    """
    sizes = (512, 1024, 2048) if device.type == "cpu" else (2048, 4096, 8192)
    return max(matmul_rate(dtype, device, size=size, seconds=0.15) for size in sizes)


def memory_bandwidth(device: torch.device) -> float:
    """Return the rate of reading a 256 MB tensor, bytes/s."""
    block = torch.ones(64 * 2**20, device=device)
    (fastest,) = _fastest([block.sum], device, seconds=0.25)
    return block.numel() * 4 / fastest


def _product(dtype: torch.dtype, device: torch.device, size: int) -> Callable[[], torch.Tensor]:
    """Return a call that multiplies two square matrices."""
    a = torch.randn(size, size, device=device).to(dtype)
    b = torch.randn(size, size, device=device).to(dtype)
    return lambda: a @ b


def _fastest(
    calls: Sequence[Callable[[], torch.Tensor]], device: torch.device, seconds: float
) -> list[float]:
    """Warm ``calls`` up and make them in turn for ``seconds``; return what each took at its best.

    Other processes only ever slow a call, and not all calls alike: beside one that keeps a core
    busy, medians measured one after the other told bfloat16 from float32 wrongly in 23 trials of
    100 (benchmarks/LOG.md, 2026-11-23).
    """
    for call in calls:
        for _ in range(3):
            call()
    _wait_for(device)
    fastest = [math.inf] * len(calls)
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or math.inf in fastest:
        for number, call in enumerate(calls):
            start = time.perf_counter()
            call()
            _wait_for(device)
            fastest[number] = min(fastest[number], time.perf_counter() - start)
    return fastest


def _wait_for(device: torch.device) -> None:
    """Block until the device has finished what it was asked; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def keep_memory() -> bool:
    """Tell glibc to keep freed memory with the process; return whether it will.

    By default glibc gives each large tensor back to the system and asks for it again the next
    step, page by page. Kept, a training step of a ten-million-parameter model ran 1.4 times as fast
    (benchmarks/LOG.md). The price: memory once used stays with the process.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # malloc.h; mallopt returns 1 if ok
    # Older releases refuse a threshold above 32 MB: then larger tensors still go back.
    heap = any(libc.mallopt(mmap_threshold, size) == 1 for size in (1 << 30, 32 << 20))
    kept = libc.mallopt(trim_threshold, (1 << 31) - 1) == 1
    libc.mallopt(top_pad, 64 << 20)  # fewer requests to the system; nothing depends on it
    return heap and kept


def trim_memory() -> None:
    """Give back what glibc keeps and nobody uses, where it can: after a compiler has run, say."""
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


_torchs_threads = 0
"""How many threads torch had chosen before ``set_threads`` changed that; 0: it has not."""


def set_threads(count: int) -> int:
    """Use ``count`` CPU threads (0: as many as torch chose); return the number in use."""
    global _torchs_threads
    _torchs_threads = _torchs_threads or torch.get_num_threads()
    torch.set_num_threads(count or _torchs_threads)
    return torch.get_num_threads()


def compiler_name() -> str:
    """Return the C++ compiler that torch.compile calls on a CPU where ``CXX`` names none."""
    return "clang++" if sys.platform == "darwin" else "g++"


def has_compiler() -> bool:
    """Return whether that compiler, or the one that ``CXX`` names, is here."""
    return shutil.which(os.environ.get("CXX", compiler_name())) is not None


def describe() -> dict[str, str | int]:
    """Return the machine and the versions that matter to a result, for records and doctor."""
    facts: dict[str, str | int] = {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else (os.cpu_count() or 1),
        "memory_bytes": _memory_bytes(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    for package in ("groundup", "torch", "numpy", "pyarrow", "safetensors"):
        try:
            facts[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            facts[package] = "not installed as a package"
    return facts


def _cpu_name() -> str:
    """Return the processor's name; and where that has no number, its family and model."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    facts = {key.strip(): value.strip() for key, _, value in lines}
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in facts and not any(letter.isdigit() for letter in name):
        name += f" (family {facts['cpu family']}, model {facts['model']})"
    return name


def _memory_bytes() -> int:
    """Return physical memory, 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0
