"""Which parameters are treated alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from groundup.train.config import TrainConfig
from groundup.train.optimizers.transfer import batch_factor, width_factor


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that are treated alike.

    Attributes:
        name: what they are.
        parameters: by their names in the model, float32.
        optimizer: who updates them.
        learning_rate: peak.
        weight_decay: per step and unit of learning rate.
    """

    name: str
    parameters: dict[str, Tensor]
    optimizer: Literal["adamw", "muon"]
    learning_rate: float
    weight_decay: float

    @property
    def num_parameters(self) -> int:
        """Numbers in all its tensors."""
        return sum(tensor.numel() for tensor in self.parameters.values())


def group_parameters(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    config: TrainConfig,
    *,
    batch_tokens: int | None = None,
) -> list[ParameterGroup]:
    """Sort parameters into groups; each is in exactly one, empty groups are left out.

    Weight decay is for matrices only, as in nanoGPT, which counts embeddings among them. Here they
    are tables, not matrices: most rows see no gradient in a batch and would only shrink; OLMo 2
    (arXiv 2501.00656, section 3.4) leaves their decay out too. A head tied to them goes with them.
    Muon takes the matrices inside the repeated blocks, since the head and embeddings want AdamW
    (https://kellerjordan.github.io/posts/muon).

    Args:
        model: tells which parameters are embeddings, and with them its width.
        parameters: float32 tensors by the model's names, as from ``Masters.parameters``.
        config: learning rates and decay.
        batch_tokens: per step; needed where ``config.base_batch_tokens`` is set.
    """
    embeddings = {
        f"{name}.weight": module
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding)
    }
    members: dict[str, dict[str, Tensor]] = {}
    for name, tensor in parameters.items():
        # In a block's name stands its number: blocks.3.attention.q_proj.weight.
        in_block = any(part.isdigit() for part in name.split("."))
        if name in embeddings:
            group = "embeddings"
        elif tensor.ndim < 2:
            group = "norms and biases"
        else:
            group = "block matrices" if in_block else "other matrices"
        members.setdefault(group, {})[name] = tensor

    groups = []
    for group, tensors in members.items():
        muon = config.optimizer == "muon" and group == "block matrices"
        rate = config.muon_learning_rate if muon else config.learning_rate
        if group == "embeddings" and config.embedding_learning_rate is not None:
            rate = config.embedding_learning_rate
        if config.base_width:
            width = next(iter(embeddings.values())).embedding_dim
            scale = config.muon_scale if muon else None
            rate *= width_factor(group, scale, width=width, base_width=config.base_width)
        if config.base_batch_tokens:
            assert batch_tokens is not None
            rate *= batch_factor(batch_tokens, config.base_batch_tokens)
        groups.append(
            ParameterGroup(
                name=group,
                parameters=tensors,
                optimizer="muon" if muon else "adamw",
                learning_rate=rate,
                weight_decay=config.weight_decay if "matrices" in group else 0.0,
            )
        )
    return groups
