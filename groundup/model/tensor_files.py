"""Open ``model.safetensors``, whole or in shards, trusting nothing in it.

safetensors is a table of names, dtypes, shapes and offsets in front of the bytes, checked against
the file's size when it is opened: no code runs, unlike with pickle.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from groundup.errors import UserError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
READABLE = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True)
class StoredTensors:
    """The tensors of a model folder: names and shapes at once, values when asked for.

    Attributes:
        shapes: shape of each tensor, from the files' headers.
    """

    shapes: dict[str, tuple[int, ...]]
    _files: dict[str, Any]

    def read(self, name: str) -> Tensor:
        """Return a tensor in its stored dtype, on the CPU.

        Raises:
            UserError: its numbers are not float32, float16 or bfloat16.
        """
        dtype = self._files[name].get_slice(name).get_dtype()
        if dtype not in READABLE:
            known = ", ".join(READABLE)
            raise UserError(f"tensor {name} holds {dtype} numbers; groundup reads {known}")
        return self._files[name].get_tensor(name)

    def count(self) -> int:
        """Return how many numbers all tensors hold."""
        return sum(torch.Size(shape).numel() for shape in self.shapes.values())


@contextmanager
def open_tensors(folder: Path) -> Iterator[StoredTensors]:
    """Open the weights of a model folder; nothing is read but the headers.

    Raises:
        UserError: there are none, a shard is missing, a file is damaged or holds no safetensors.
    """
    with ExitStack() as stack:
        files: dict[str, Any] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        for path in _weight_files(folder):
            try:
                file = stack.enter_context(safe_open(path, framework="pt"))
            except (SafetensorError, OSError) as error:
                message = f"{path} is damaged or no safetensors file ({error}); fetch it again"
                raise UserError(message) from None
            for name in file.keys():  # noqa: SIM118 - a safetensors handle, not a dict
                if name in files:
                    raise UserError(f"{folder}: two files hold the tensor {name}")
                files[name] = file
                shapes[name] = tuple(file.get_slice(name).get_shape())
        yield StoredTensors(shapes, files)


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        UserError: the file is not there, is not JSON, or holds something other than an object.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON ({error}); fetch it again") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} should hold a JSON object, not a {type(content).__name__}")
    return content


def _weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a folder: the one, or the shards that the index names."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        pickles = sorted(path.name for path in folder.glob("*.bin"))
        if pickles:
            raise UserError(
                f"{folder} has its weights in {pickles[0]}, a pickle, which can run any code; "
                "convert it with transformers (save_pretrained writes model.safetensors)"
            )
        raise UserError(f"{folder} has no {WEIGHTS}")
    weight_map = read_json(folder / INDEX).get("weight_map")
    if not isinstance(weight_map, dict):
        raise UserError(f"{folder / INDEX} has no weight_map")
    names = {str(name) for name in weight_map.values()}
    for name in sorted(names):
        # A name with a folder in it could point anywhere on this machine.
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise UserError(f"{folder / INDEX} names {name!r}, which is no shard of this folder")
        if not (folder / name).is_file():
            raise UserError(f"{folder} lacks {name}, a part of its weights; fetch it again")
    return [folder / name for name in sorted(names)]
