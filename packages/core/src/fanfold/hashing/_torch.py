"""Hasher for torch's tensors on the CPU."""

from __future__ import annotations

import sys

from ._registry import register_hasher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []


def _of_numpy(torch: Any) -> tuple[object, ...]:
    return torch.float16, torch.float32, torch.float64


def _tensor(tensor: Any) -> object:
    torch = sys.modules["torch"]
    if tensor.device.type != "cpu" or tensor.layout != torch.strided:
        raise TypeError(
            f"a {tensor.layout} tensor on {tensor.device} cannot be read in place; hash "
            "tensor.cpu(), made dense"
        )
    plain = tensor.detach().resolve_conj().resolve_neg()
    if plain.is_floating_point() and plain.dtype not in _of_numpy(torch):
        plain = plain.float()  # numpy has no bfloat16, but float32 says the same values
    return {
        "dtype": str(tensor.dtype),
        "requires_grad": tensor.requires_grad,
        "values": plain.numpy(),
    }


register_hasher("torch.Tensor", _tensor)
