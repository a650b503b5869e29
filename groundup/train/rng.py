"""Every random number generator that training may draw from, kept and put back."""

import base64
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def seed_all(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators (torch's on every device)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def capture(device: torch.device) -> dict[str, Any]:
    """Return the state of Python's, numpy's and torch's generators (also ``device``'s) as JSON."""
    version, words, gauss = random.getstate()
    numpy_state: Any = np.random.get_state(legacy=False)
    numpy_words = numpy_state["state"]
    return {
        "python": [version, list(words), gauss],
        "numpy": {
            **numpy_state,
            "state": {"key": numpy_words["key"].tolist(), "pos": int(numpy_words["pos"])},
        },
        "cpu": _encode(torch.get_rng_state()),
        device.type: _encode(_device_state(device)),
    }


def restore(state: dict[str, Any], device: torch.device) -> None:
    """Put back what ``capture`` returned."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    numpy_words = state["numpy"]["state"]
    key = np.array(numpy_words["key"], dtype=np.uint32)
    np.random.set_state({**state["numpy"], "state": {**numpy_words, "key": key}})
    torch.set_rng_state(_decode(state["cpu"]))
    if device.type in state:  # a run may go on on another device, with other dropout
        match device.type:
            case "cuda":
                torch.cuda.set_rng_state(_decode(state["cuda"]), device)
            case "mps":
                torch.mps.set_rng_state(_decode(state["mps"]))


@contextmanager
def isolated(device: torch.device) -> Iterator[None]:
    """Whatever is drawn inside leaves the generators as they were, so that a sample or a validation
    does not change the training after it.
    """
    before = capture(device)
    try:
        yield
    finally:
        restore(before, device)


def _device_state(device: torch.device) -> torch.Tensor:
    match device.type:
        case "cuda":
            return torch.cuda.get_rng_state(device)
        case "mps":
            return torch.mps.get_rng_state()
    return torch.get_rng_state()


def _encode(state: torch.Tensor) -> str:
    return base64.b64encode(state.numpy().tobytes()).decode()


def _decode(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
