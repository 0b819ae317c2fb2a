"""Hasher for torch's tensors on the CPU."""

from __future__ import annotations

import sys

from ._registry import register_hasher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []


def _tensor(tensor: Any) -> object:
    torch = sys.modules["torch"]
    if tensor.device.type != "cpu" or tensor.layout != torch.strided:
        raise TypeError(
            f"a {tensor.layout} tensor on {tensor.device} cannot be read in place; hash "
            "tensor.cpu(), made dense"
        )
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return {
        "dtype": str(tensor.dtype),
        "shape": tuple(tensor.shape),
        "requires_grad": tensor.requires_grad,
        "values": plain.reshape(-1).view(torch.uint8).numpy(),
    }


register_hasher("torch.Tensor", _tensor)
