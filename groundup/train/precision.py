"""Compute in bfloat16, remember in float32.

A bfloat16 number has 8 bits of precision: an update below 1/512 of a weight would round away. So
the optimizer works on float32 *master weights* (arXiv 1710.03740, section 3.1) and the model
computes with rounded copies of them. The copies are cast once per step, in place, where
``torch.autocast`` casts at every use.
"""

import torch
from torch import Tensor, nn


class Masters:
    """The float32 weights behind a model that computes in ``dtype``.

    Weights and biases of ``nn.Linear`` are cast; embeddings, norms and scalars stay float32, for
    they are small or looked up and their sums should not round. A head tied to the embeddings is
    cast by the loss, once per forward pass. With float32 nothing is cast and
    the model's own parameters are the masters.

    Args:
        model: float32; its linear layers are cast in place until ``release``.
        dtype: dtype of matrix products.
    """

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        self.model, self.dtype = model, dtype
        self._masters: dict[str, Tensor] = {}
        self._working: dict[str, nn.Parameter] = {}
        if dtype == torch.float32:
            return
        linear = {
            id(parameter)
            for module in model.modules()
            if isinstance(module, nn.Linear)
            for parameter in module.parameters(recurse=False)
        }
        for name, parameter in model.named_parameters():
            if id(parameter) in linear:
                master = parameter.detach().clone()
                self._masters[name] = master.requires_grad_(parameter.requires_grad)
                self._working[name] = parameter
                parameter.grad = None
                parameter.data = parameter.data.to(dtype)

    def parameters(self) -> dict[str, Tensor]:
        """Return the float32 tensors for the optimizer by the model's names; they hold gradients.

        Frozen parameters are left out.
        """
        return {
            name: self._masters.get(name, parameter)
            for name, parameter in self.model.named_parameters()
            if parameter.requires_grad
        }

    def collect(self) -> None:
        """Add the gradients of a backward pass to the masters' float32 ones and clear them.

        Once per micro-batch, so that micro-batches add up in float32.
        """
        for name, working in self._working.items():
            if working.grad is None:
                continue
            master = self._masters[name]
            if master.grad is None:
                master.grad = working.grad.float()
            else:
                master.grad += working.grad
            working.grad = None

    def gradients(self) -> list[Tensor]:
        """Return the gradients collected so far."""
        tensors = self.parameters().values()
        return [tensor.grad for tensor in tensors if tensor.grad is not None]

    def clear_gradients(self) -> None:
        """Forget all gradients, collected or not."""
        for tensor in (*self.parameters().values(), *self._working.values()):
            tensor.grad = None

    @torch.no_grad()
    def publish(self) -> None:
        """Round the masters into the model."""
        for name, working in self._working.items():
            working.copy_(self._masters[name])

    def state_dict(self) -> dict[str, Tensor]:
        """Return the model's state with the masters in it, as live tensors."""
        return {
            name: self._masters.get(name, tensor).detach()
            for name, tensor in self.model.state_dict().items()
        }

    def release(self) -> None:
        """Make the model float32 again, with the masters as its weights."""
        for name, working in self._working.items():
            working.grad = None
            working.data = self._masters[name].data
        self._masters, self._working = {}, {}
