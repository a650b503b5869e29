"""Fixtures that every room's tests share."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Tensors here are tiny: two threads wait for each other longer than they work. Before torch loads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# No time limit for an example: a busy machine is no fault of the code.
settings.register_profile("groundup", deadline=None)
settings.load_profile("groundup")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of binary data by its argument alone.

    An archive holds the second it was made in, and every process of a parallel run must collect
    tests of the same names.
    """
    return argname if isinstance(val, bytes) and not val.isascii() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; a test that needs it skips with a reason where it is absent."""
    default = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("GROUNDUP_SHARED", default)).expanduser()
    if not folder.is_dir():
        if os.environ.get("GROUNDUP_REQUIRE_SHARED"):
            pytest.fail(f"GROUNDUP_REQUIRE_SHARED is set but there is no folder {folder}")
        pytest.skip(f"no shared data at {folder}; set GROUNDUP_SHARED to its folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    """Nothing here may reach for the network; this machine itself is no network."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "localhost", "::1"):
            raise AssertionError(f"a test connects to {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        yield
