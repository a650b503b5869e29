"""Fixtures that every room's tests share."""

import os
from pathlib import Path

# Tensors here are tiny: two threads wait for each other longer than they work. Before torch loads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# No time limit for an example: a busy machine is no fault of the code.
settings.register_profile("groundup", deadline=None)
settings.load_profile("groundup")

REPOSITORY = Path(__file__).resolve().parents[1]


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
