"""What the processor at hand can do that networks profit from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def multiplies_bfloat16() -> bool:
    """Whether this machine's CPU has instructions that multiply bfloat16.

    Torch multiplies it everywhere; without such instructions slower than float32. An older torch
    does not tell what there is: then there is nothing.
    """
    tell: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    known = tell()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))
