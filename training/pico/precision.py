"""Which type activations have while training: bfloat16 where the processor multiplies it, float32 elsewhere."""

from __future__ import annotations

import torch


def fast_dtype() -> torch.dtype:
    """bfloat16 with AMX or AVX-512 BF16; without them it is emulated and slower than float32."""
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32


FAST = fast_dtype()
