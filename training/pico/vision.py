"""``pico_vision``: a transformer over 16x16 patches of any grid up to 16x16."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PATCH = 16
"""Side of a patch in pixels."""
MAX_SIDE = 16
"""Largest number of patches along one side of a grid."""
MASKED = -1e4
"""Stands for minus infinity in every masked maximum and softmax; exact zero after exp in float32."""


@dataclass(frozen=True)
class VisionConfig:
    """Sizes of the image encoder."""

    width: int = 224
    depth: int = 6
    heads: int = 4
    mlp_width: int = 672
    stem_width: int = 32
    projection_dim: int = 192

    as_dict = asdict


class PatchStem(nn.Module):
    """Turns each patch by itself into one token: a small residual convolutional network.

    Patches never see each other here, so every grid works and padding cannot leak.
    """

    def __init__(self, width: int, stem_width: int) -> None:
        super().__init__()
        w = stem_width
        self.enter = nn.Conv2d(12, w, 3, padding=1)
        self.down1 = nn.Conv2d(w, 2 * w, 3, stride=2, padding=1)
        self.block = ResidualConvolution(2 * w)
        self.down2 = nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1)
        self.leave = nn.Linear(16 * w, width)

    def forward(self, patches: Tensor) -> Tensor:
        """float [N, P, 768] in -1..1, pixels (row, column, channel) -> [N, P, width]."""
        n, p = patches.shape[0], patches.shape[1]
        x = patches.reshape(-1, 8, 2, 8, 2, 3).permute(0, 2, 4, 5, 1, 3).reshape(-1, 12, 8, 8)
        if self.training:
            x = x.contiguous(memory_format=torch.channels_last)
        x = F.gelu(self.enter(x))
        x = self.block(F.gelu(self.down1(x)))
        x = F.gelu(self.down2(x))
        return self.leave(x.flatten(1)).reshape(n, p, -1)


class ResidualConvolution(nn.Module):
    """x + gelu(conv(x)): width and size stay."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.gelu(self.convolution(x))


class Attention(nn.Module):
    """Multi-head self-attention in plain matrix products and a softmax."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inputs = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x [N, P, width]; bias [N or 1, heads or 1, P or 1, P] is added to the attention logits."""
        n, p, width = x.shape
        q, k, v = self.inputs(x).reshape(n, p, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        scale = (width // self.heads) ** -0.5
        weights = torch.softmax((q * scale) @ k.transpose(-2, -1) + bias, dim=-1)
        return self.output((weights @ v).transpose(1, 2).reshape(n, p, width))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, width: int, heads: int, mlp_width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.expand = nn.Linear(width, mlp_width)
        self.contract = nn.Linear(mlp_width, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x), bias)
        return x + self.contract(F.gelu(self.expand(self.norm2(x))))


class VisionEncoder(nn.Module):
    """The image encoder; see ``forward`` for its contract."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = PatchStem(config.width, config.stem_width)
        self.rows = nn.Parameter(torch.randn(MAX_SIDE, config.width) * 0.02)
        self.columns = nn.Parameter(torch.randn(MAX_SIDE, config.width) * 0.02)
        self.relative_early = nn.Parameter(neighbours_first(config.heads))
        self.relative_late = nn.Parameter(torch.zeros((2 * MAX_SIDE - 1) ** 2, config.heads))
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, config.mlp_width) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width)
        self.project_image = nn.Linear(2 * config.width, config.projection_dim)
        self.project_patch = nn.Linear(config.width, config.projection_dim)

    def forward(self, patches: Tensor, patch_mask: Tensor, patch_positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encodes images cut into patches.

        patches: uint8 [N, P, 768], each 16x16 pixels in (row, column, channel) order.
        patch_mask: bool [N, P], false for padding.
        patch_positions: int [N, P, 2], (row, column) in 0..15.

        Returns the image embedding [N, D] and the patch embeddings [N, P, D], both of length one
        and in the joint space, and between them the patch features [N, P, width]. Padding gives
        zeros and changes nothing else.
        """
        dtype = self.norm.weight.dtype
        mask = patch_mask.unsqueeze(-1).to(dtype)
        row, column = patch_positions[..., 0].long(), patch_positions[..., 1].long()
        x = self.stem(patches.to(dtype) / 127.5 - 1.0)
        x = x + self.rows[row] + self.columns[column]
        early, late = self.attention_biases(row, column, mask)
        for index, block in enumerate(self.blocks):
            x = block(x, early if index < len(self.blocks) // 2 else late)
        features = self.norm(x) * mask
        mean = features.sum(1) / mask.sum(1).clamp(min=1.0)
        peak = (features + (1.0 - mask) * MASKED).amax(1)
        image = self.project_image(torch.cat((mean, peak), dim=-1))
        return unit(image), features, unit(self.project_patch(features)) * mask

    def attention_biases(self, row: Tensor, column: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Two of [N, heads, P, P], for the first and the second half of the blocks.

        They are learned by relative position, and the padding is masked out.
        """
        side = 2 * MAX_SIDE - 1
        down = row.unsqueeze(2) - row.unsqueeze(1) + MAX_SIDE - 1
        right = column.unsqueeze(2) - column.unsqueeze(1) + MAX_SIDE - 1
        offset = down * side + right
        padding = ((1.0 - mask) * MASKED).reshape(mask.shape[0], 1, 1, -1)
        early = self.relative_early[offset].permute(0, 3, 1, 2) + padding
        late = self.relative_late[offset].permute(0, 3, 1, 2) + padding
        return early, late


def neighbours_first(heads: int) -> Tensor:
    """Initial relative bias [31 * 31, heads]: each head begins by looking at one neighbour.

    The heads of the early blocks so start as the taps of a convolution (above, below, left, right, and
    round again), which is what lets parts that are cut by patch borders find each other from the start.
    """
    offset = torch.arange(1 - MAX_SIDE, MAX_SIDE, dtype=torch.float32)
    taps = ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))  # query minus key: (1, 0) is the patch above
    columns = []
    for head in range(heads):
        down, right = taps[head % len(taps)]
        distance = (offset[:, None] - down) ** 2 + (offset[None, :] - right) ** 2
        columns.append(-1.5 * distance.reshape(-1).clamp(max=6.0))
    return torch.stack(columns, dim=1)


def unit(x: Tensor) -> Tensor:
    """x scaled to length one along its last axis, in float32."""
    x = x.float()
    return x / torch.sqrt((x * x).sum(-1, keepdim=True) + 1e-12)
