"""``pico_text``: a small transformer that puts texts into the joint space."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from pico.tokens import MAX_LENGTH, VOCABULARY
from pico.vision import MASKED, Block, unit


@dataclass(frozen=True)
class TextConfig:
    """Sizes of the text encoder."""

    vocabulary: int = VOCABULARY
    width: int = 128
    depth: int = 3
    heads: int = 2
    mlp_width: int = 384
    projection_dim: int = 192

    as_dict = asdict


class TextEncoder(nn.Module):
    """The text encoder; see ``forward`` for its contract."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Parameter(torch.randn(config.vocabulary, config.width) * 0.02)
        self.positions = nn.Parameter(torch.randn(MAX_LENGTH, config.width) * 0.02)
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, config.mlp_width) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width)
        self.project = nn.Linear(2 * config.width, config.projection_dim)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """input_ids int64 [N, L], attention_mask int64 [N, L] (0 for padding), L at most 64.

        Returns the text embedding [N, D] of length one. Padding changes nothing.
        """
        dtype = self.norm.weight.dtype
        mask = attention_mask.unsqueeze(-1).to(dtype)
        x = self.tokens[input_ids] + self.positions[: input_ids.shape[1]]
        bias = ((1.0 - mask) * MASKED).reshape(mask.shape[0], 1, 1, -1)
        for block in self.blocks:
            x = block(x, bias)
        x = self.norm(x) * mask
        mean = x.sum(1) / mask.sum(1).clamp(min=1.0)
        peak = (x + (1.0 - mask) * MASKED).amax(1)
        return unit(self.project(torch.cat((mean, peak), dim=-1)))
