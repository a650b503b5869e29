import ctypes
import platform
import socket
import subprocess
import sys

import pytest
import torch

from groundup import machine
from groundup.errors import UsageError


class Glibc:
    """A C library that takes an mmap threshold up to ``limit`` and the options in ``known``."""

    def __init__(self, limit, known=(-1, -2, -3)):
        self.limit, self.known, self.asked = limit, known, []

    def mallopt(self, option, value):
        self.asked.append((option, value))
        return int(option in self.known and (option != -3 or value <= self.limit))


@pytest.fixture
def use(monkeypatch):
    def use(libc):
        monkeypatch.setattr(machine.sys, "platform", "linux")
        monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.31"))
        monkeypatch.setattr(ctypes, "CDLL", lambda name: libc)
        return libc

    return use


@pytest.mark.parametrize(
    ("libc", "kept", "options"),
    [
        (Glibc(limit=1 << 40), True, [-3, -1, -2]),
        (Glibc(limit=32 << 20), True, [-3, -3, -1, -2]),  # older releases
        (Glibc(limit=1 << 40, known=(-1, -3)), True, [-3, -1, -2]),
        (Glibc(limit=0), False, [-3, -3, -1, -2]),
        (Glibc(limit=1 << 40, known=(-2, -3)), False, [-3, -1, -2]),
    ],
)
def test_memory_is_kept_where_threshold_and_trim_are_taken(use, libc, kept, options):
    use(libc)
    assert machine.keep_memory() is kept
    assert [option for option, _ in libc.asked] == options


def test_memory_is_left_alone_where_there_is_no_glibc(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2"))
    assert machine.keep_memory() is False


def test_a_device_that_is_not_here_is_refused_in_one_line():
    assert machine.pick_device("cpu") == torch.device("cpu")
    for name in ("cuda:99", "abacus"):
        with pytest.raises(UsageError, match=f"device '{name}' is not usable here") as caught:
            machine.pick_device(name)
        assert "\n" not in str(caught.value)


def test_a_named_precision_is_taken_without_measuring(monkeypatch):
    monkeypatch.setattr(machine, "matmul_rate", None)
    cpu = torch.device("cpu")
    assert machine.pick_precision("bfloat16", cpu) == torch.bfloat16
    assert machine.pick_precision("float32", cpu) == torch.float32


@pytest.fixture
def products(monkeypatch):
    """Let products take the seconds that a function gives for a dtype and the clock."""

    def products(seconds):
        clock = [0.0]

        def product(dtype, device, size):
            def call():
                clock[0] += seconds(dtype, clock[0])

            return call

        monkeypatch.setattr(machine, "_product", product)
        monkeypatch.setattr(machine.time, "perf_counter", lambda: clock[0])

    return products


@pytest.mark.parametrize(("gain", "dtype"), [(1.2, torch.float32), (1.4, torch.bfloat16)])
def test_auto_takes_bfloat16_where_it_is_clearly_faster(products, gain, dtype):
    products(lambda dtype, _: 1e-3 if dtype == torch.float32 else 1e-3 / gain)
    assert machine.pick_precision("auto", torch.device("cpu")) == dtype


@pytest.mark.parametrize(("gain", "dtype"), [(1.0, torch.float32), (2.0, torch.bfloat16)])
@pytest.mark.parametrize("slowed", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("busy", [(0.0, 0.25), (0.05, 0.15), (0.15, 9.0)])
def test_a_neighbour_who_slows_one_of_them_for_most_of_the_time_does_not_change_that(
    products, gain, dtype, slowed, busy
):
    def seconds(product, now):
        alone = 1e-3 if product == torch.float32 else 1e-3 / gain
        return alone * (10 if product == slowed and busy[0] <= now < busy[1] else 1)

    products(seconds)
    assert machine.pick_precision("auto", torch.device("cpu")) == dtype


def test_a_rate_is_that_of_the_fastest_product(products):
    products(lambda _, now: 1e-3 if 0.1 < now < 0.12 else 5e-3)
    rate = machine.matmul_rate(torch.float32, torch.device("cpu"), size=100, seconds=0.25)
    assert rate == pytest.approx(2 * 100**3 / 1e-3)


def test_the_machine_is_described_by_what_a_result_depends_on():
    facts = machine.describe()
    assert facts["cores"] >= 1
    assert facts["memory_bytes"] > 0
    assert {"cpu", "system", "python", "groundup", "torch"} <= facts.keys()


def test_tests_cannot_reach_the_network():
    with socket.socket() as one, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        one.connect(("192.0.2.1", 80))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="memory is kept by glibc")
def test_what_is_kept_can_be_given_back():
    script = """
from pathlib import Path

import torch

from groundup import machine

def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

machine.keep_memory()
tensors = [torch.ones(1 << 20) for _ in range(32)]  # 128 MB
last = torch.ones(1)
del tensors
before = pages()
machine.trim_memory()
print("given back" if before - pages() > 16_000 else "kept")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "given back", done.stderr


@pytest.mark.parametrize(
    ("info", "name"),
    [
        ("model\t\t: 17\nmodel name\t: Xeon E5-2680 v4\ncpu family\t: 6\n", "Xeon E5-2680 v4"),
        (
            "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\ncpu family\t: 6\n",
            "AMD EPYC (family 25, model 17)",
        ),
    ],
)
def test_a_processor_without_a_number_is_told_by_its_family(monkeypatch, info, name):
    monkeypatch.setattr(machine.Path, "read_text", lambda *_, **__: info)
    assert machine.describe()["cpu"] == name


def test_the_compiler_that_counts_is_the_one_that_torch_would_call(monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(machine.shutil, "which", lambda name: name if name == "clang++" else None)
    monkeypatch.setattr(machine.sys, "platform", "linux")
    assert not machine.has_compiler()
    monkeypatch.setenv("CXX", "clang++")
    assert machine.has_compiler()
    monkeypatch.delenv("CXX")
    monkeypatch.setattr(machine.sys, "platform", "darwin")
    assert machine.has_compiler()
