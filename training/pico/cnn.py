"""``pico_cnn``: a convolutional image encoder into the space of ``pico_text``, for pictures of one size."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pico.vision import unit

CELL = 16
"""Side in pixels of the square that one cell of the last map stands for."""
SIDE = 128
"""Side in pixels of the pictures that are served; training begins with smaller ones."""


@dataclass(frozen=True)
class CnnConfig:
    """Sizes of the convolutional encoder."""

    widths: tuple[int, ...] = (24, 48, 96, 224)
    """Channels at a half, a quarter, an eighth and a sixteenth of the picture's side."""
    depths: tuple[int, ...] = (0, 1, 2, 2)
    """Residual convolutions after each halving."""
    projection_dim: int = 192

    as_dict = asdict


class Convolution(nn.Module):
    """relu(norm(conv(x))); the norm becomes part of the convolution when it is exported."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.convolution(x)))


class Residual(Convolution):
    """x + relu(norm(conv(x))): width and size stay."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class CnnEncoder(nn.Module):
    """The image encoder; see ``forward`` for its contract."""

    def __init__(self, config: CnnConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        inputs, stride = 12, 1  # squares of 2x2 pixels are channels, which is the first halving
        for width, depth in zip(config.widths, config.depths, strict=True):
            layers += [Convolution(inputs, width, stride), *(Residual(width) for _ in range(depth))]
            inputs, stride = width, 2
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        self.project_image = nn.Linear(2 * inputs, config.projection_dim)
        self.project_patch = nn.Linear(inputs, config.projection_dim)

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [N, 3, height, width], sides multiples of 16.

        Returns the image embedding [N, D] and the embeddings of the cells of 16x16 pixels, row by row, [N, P, D],
        all of length one and in the joint space.
        """
        x = pixel_values.to(self.project_image.weight.dtype) / 127.5 - 1.0
        x = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
        cells = self.layers(x).permute(0, 2, 3, 1)
        count = int(cells.shape[1]) * int(cells.shape[2])
        cells = cells.reshape(-1, count, self.config.widths[-1])
        image = self.project_image(torch.cat((cells.mean(1), cells.amax(1)), dim=-1))
        return unit(image), unit(self.project_patch(cells))
