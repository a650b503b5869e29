"""Whose tensor is whose: groundup's parameters and those of transformers' three models.

The one place that knows both sets of names. GPT-2 keeps its matrices as (in, out) and its queries,
keys and values in one; Llama and Qwen3 keep them as groundup does.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.errors import UserError
from groundup.model.config import ModelConfig
from groundup.model.hf_config import HubType
from groundup.model.tensor_files import StoredTensors

Shape = tuple[int, ...]
QKV = ("attention.q_proj", "attention.k_proj", "attention.v_proj")
HEAD = "lm_head.weight"

_PREFIX: dict[HubType | None, str] = {
    "qwen3": "model.",
    "llama": "model.",
    "gpt2": "transformer.",
    None: "",
}
"""Files made from the model without its head leave the prefix out."""

_BUFFER = re.compile(r"\.attn\.(masked_)?bias$|\.rotary_emb\.inv_freq$")
"""Constants that older releases of transformers stored among the weights."""


@dataclass(frozen=True)
class Match:
    """Their tensors, one under the other, hold the same rows as ours, one under the other.

    Attributes:
        theirs: names in transformers.
        ours: names in groundup.
        rows: rows of each of theirs where they are several; () where one holds all.
        transposed: theirs is (in, out), ours (out, in); vectors are not affected.
    """

    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    rows: tuple[int, ...] = ()
    transposed: bool = False

    def their_shapes(self, our_shapes: Mapping[str, Shape]) -> dict[str, Shape]:
        """Return the shape that each of theirs must have, given all of ours."""
        rows = self.rows or (sum(our_shapes[name][0] for name in self.ours),)
        shapes = [(count, *our_shapes[self.ours[0]][1:]) for count in rows]
        if self.transposed:
            shapes = [shape[::-1] for shape in shapes]
        return dict(zip(self.theirs, shapes, strict=True))

    def to_theirs(self, ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return their tensors, by name, made from ours."""
        stacked = torch.cat([ours[name] for name in self.ours])
        parts = stacked.split(list(self.rows) or [len(stacked)])
        turned = (part.t() if self.transposed else part for part in parts)
        return {name: part.contiguous() for name, part in zip(self.theirs, turned, strict=True)}

    def to_ours(
        self, theirs: Mapping[str, Tensor], our_shapes: Mapping[str, Shape]
    ) -> dict[str, Tensor]:
        """Return our tensors, by name, made from theirs; each has memory of its own."""
        parts = [theirs[name] for name in self.theirs]
        stacked = torch.cat([part.t() if self.transposed else part for part in parts])
        split = stacked.split([our_shapes[name][0] for name in self.ours])
        return {name: part.clone() for name, part in zip(self.ours, split, strict=True)}


def matches(config: ModelConfig, kind: HubType | None, our_names: Collection[str]) -> list[Match]:
    """Return where every parameter of ``config``'s model lies in a model of type ``kind``.

    Args:
        config: the shape.
        kind: transformers' type, or None for groundup's own names.
        our_names: the parameters of our model.
    """
    if kind is None:
        return [Match((name,), (name,)) for name in our_names]
    modules = list(_gpt2(config) if kind == "gpt2" else _llama(config))
    modules.append(Match(("lm_head",), ("lm_head",)))
    found = [
        Match(
            tuple(f"{name}.{part}" for name in module.theirs),
            tuple(f"{name}.{part}" for name in module.ours),
            module.rows,
            module.transposed,
        )
        for module in modules
        for part in ("weight", "bias")
        if f"{module.ours[0]}.{part}" in our_names
    ]
    covered = sorted(name for match in found for name in match.ours)
    assert covered == sorted(our_names), "a parameter without a name in transformers"
    return found


def _llama(config: ModelConfig) -> Iterator[Match]:
    """Yield the modules of Llama and Qwen3."""
    yield Match(("model.embed_tokens",), ("token_embedding",))
    yield Match(("model.norm",), ("final_norm",))
    kv_rows = config.num_kv_heads * config.head_width
    for layer in range(config.num_layers):
        theirs, ours = f"model.layers.{layer}", f"blocks.{layer}"
        yield Match(
            tuple(f"{theirs}.self_attn.{name}_proj" for name in "qkv"),
            tuple(f"{ours}.{name}" for name in QKV),
            rows=(config.num_heads * config.head_width, kv_rows, kv_rows),
        )
        for their_name, our_name in (
            ("input_layernorm", "attention_norm"),
            ("self_attn.q_norm", "attention.q_norm"),
            ("self_attn.k_norm", "attention.k_norm"),
            ("self_attn.o_proj", "attention.o_proj"),
            ("post_attention_layernorm", "feed_forward_norm"),
            ("mlp.gate_proj", "feed_forward.gate_proj"),
            ("mlp.up_proj", "feed_forward.up_proj"),
            ("mlp.down_proj", "feed_forward.down_proj"),
        ):
            yield Match((f"{theirs}.{their_name}",), (f"{ours}.{our_name}",))


def _gpt2(config: ModelConfig) -> Iterator[Match]:
    """Yield the modules of GPT-2; its ``Conv1D`` is a transposed ``Linear``."""
    yield Match(("transformer.wte",), ("token_embedding",))
    yield Match(("transformer.wpe",), ("position_embedding",))
    yield Match(("transformer.ln_f",), ("final_norm",))
    for layer in range(config.num_layers):
        theirs, ours = f"transformer.h.{layer}", f"blocks.{layer}"
        yield Match((f"{theirs}.ln_1",), (f"{ours}.attention_norm",))
        yield Match((f"{theirs}.ln_2",), (f"{ours}.feed_forward_norm",))
        qkv = tuple(f"{ours}.{name}" for name in QKV)
        for their_name, our_names in (
            ("attn.c_attn", qkv),
            ("attn.c_proj", (f"{ours}.attention.o_proj",)),
            ("mlp.c_fc", (f"{ours}.feed_forward.up_proj",)),
            ("mlp.c_proj", (f"{ours}.feed_forward.down_proj",)),
        ):
            yield Match((f"{theirs}.{their_name}",), our_names, transposed=True)


def to_stored(
    weights: Mapping[str, Tensor], config: ModelConfig, kind: HubType | None, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Return a model's parameters under the names of ``kind``, on the CPU and in ``dtype``."""
    ours = {name: tensor.detach().to("cpu", dtype) for name, tensor in weights.items()}
    stored: dict[str, Tensor] = {}
    for match in matches(config, kind, ours):
        stored |= match.to_theirs(ours)
    return stored


def from_stored(
    stored: StoredTensors,
    config: ModelConfig,
    kind: HubType | None,
    our_shapes: Mapping[str, Shape],
    dtypes: Mapping[str, torch.dtype],
) -> dict[str, Tensor]:
    """Return our parameters from a model folder's tensors, checked before any is read.

    Args:
        stored: the folder's tensors.
        config: the shape that the folder's ``config.json`` describes.
        kind: whose names the tensors have; None for groundup's own.
        our_shapes: every parameter of our model.
        dtypes: the dtype that each of them shall have.

    Raises:
        UserError: a tensor is missing, unexpected, of another shape or dtype.
    """
    found = matches(config, kind, our_shapes)
    expected: dict[str, Shape] = {}
    for match in found:
        expected |= match.their_shapes(our_shapes)
    names = _stored_names(stored, kind)
    if config.tie_embeddings and HEAD in names and kind is not None:
        _check_tied(stored, names, embedding=found[0].theirs[0])
    _compare(expected, {name: stored.shapes[there] for name, there in names.items()})
    ours: dict[str, Tensor] = {}
    for match in found:
        theirs = {name: stored.read(names[name]) for name in match.theirs}
        for name, tensor in match.to_ours(theirs, our_shapes).items():
            ours[name] = tensor.to(dtypes[name])
    return ours


def _stored_names(stored: StoredTensors, kind: HubType | None) -> dict[str, str]:
    """Return full name → name in the file, without the constants of old releases."""
    prefix, names = _PREFIX[kind], {}
    for there in stored.shapes:
        if kind is not None and _BUFFER.search(there):
            continue
        name = there if there.startswith(prefix) or there == HEAD else prefix + there
        if name in names:
            raise UserError(f"the tensor {name} is there twice, with and without {prefix!r}")
        names[name] = there
    return names


def _check_tied(stored: StoredTensors, names: dict[str, str], embedding: str) -> None:
    """Drop a stored output head that repeats the embedding, as some published files have it."""
    there = names.pop(HEAD)
    if embedding not in names or stored.shapes[there] != stored.shapes[names[embedding]]:
        return
    if not torch.equal(stored.read(there), stored.read(names[embedding])):
        raise UserError(
            f"{HEAD} differs from {embedding} although tie_word_embeddings is true; "
            "set it to false in config.json"
        )


def _compare(expected: dict[str, Shape], actual: dict[str, Shape]) -> None:
    """Refuse weights that are not exactly those of the config."""
    if missing := sorted(expected.keys() - actual.keys()):
        raise UserError(f"{len(missing)} tensors are missing, first {missing[0]}")
    if unexpected := sorted(actual.keys() - expected.keys()):
        raise UserError(f"{len(unexpected)} tensors are unexpected, first {unexpected[0]}")
    for name, shape in expected.items():
        if actual[name] != shape:
            raise UserError(
                f"tensor {name} has the shape {list(actual[name])}, config.json says {list(shape)}"
            )
