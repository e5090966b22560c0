"""``pico_depth`` and ``pico_emotion``: small heads on the patch features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pico.vision import MASKED, MAX_SIDE, Block
from scenes.kinds import EMOTIONS

EMOTION_LABELS = (*EMOTIONS, "none")
"""In the order of the logits; ``none`` is a picture without a face."""
CELLS = 4
"""A patch has 4x4 cells of depth, each of 4x4 pixels."""


class Depth(nn.Module):
    """Relative depth of every cell."""

    def __init__(self, features: int = 224, width: int = 128) -> None:
        super().__init__()
        self.enter = nn.Linear(features, width)
        self.rows = nn.Parameter(torch.randn(MAX_SIDE, width) * 0.1)
        self.columns = nn.Parameter(torch.randn(MAX_SIDE, width) * 0.1)
        self.blocks = nn.ModuleList(Block(width, 2, 2 * width) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, CELLS * CELLS)

    def forward(self, patch_features: Tensor, patch_mask: Tensor, patch_positions: Tensor) -> Tensor:
        """features [N, P, F], mask bool [N, P], positions int [N, P, 2] -> [N, P, 16], 0 nearest to 1 farthest."""
        mask = patch_mask.unsqueeze(-1).to(patch_features.dtype)
        row, column = patch_positions[..., 0].long(), patch_positions[..., 1].long()
        x = self.enter(patch_features) + self.rows[row] + self.columns[column]
        bias = ((1.0 - mask) * MASKED).reshape(mask.shape[0], 1, 1, -1)
        for block in self.blocks:
            x = block(x, bias)
        return torch.sigmoid(self.leave(self.norm(x))) * mask


class Emotion(nn.Module):
    """What the face in a picture feels: each patch votes, and says how much its vote counts."""

    def __init__(self, features: int = 224, width: int = 192) -> None:
        super().__init__()
        self.enter = nn.Linear(features, width)
        self.middle = nn.Linear(width, width)
        self.vote = nn.Linear(width, len(EMOTION_LABELS))
        self.weight = nn.Linear(width, 1)

    def forward(self, patch_features: Tensor, patch_mask: Tensor) -> Tensor:
        """features [N, P, F], mask bool [N, P] -> logits [N, emotions and none]."""
        mask = patch_mask.unsqueeze(-1).to(patch_features.dtype)
        x = F.gelu(self.middle(F.gelu(self.enter(patch_features))))
        weight = torch.softmax(self.weight(x) + (1.0 - mask) * MASKED, dim=1)
        return (self.vote(x) * weight).sum(1)
