"""Muon: momentum whose matrices are made orthogonal before each step, so that all directions learn alike."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pico.precision import FAST

# Of the quintic iteration x -> a x + b x x' x + c (x x')^2 x that drives singular values towards one
# (Keller Jordan, Muon, 2024).
A, B, C = 3.4445, -4.7750, 2.0315


class Muon(torch.optim.Optimizer):
    """Muon for weights of two and more dimensions (a convolution counts as one row an output channel).

    The step of a matrix is scaled by 0.2 * sqrt(larger side), so that rates compare with Adam's.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[nn.Parameter]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_shape.setdefault(tuple(p.flatten(1).shape), []).append(p)
            for shape, parameters in by_shape.items():
                updates = orthogonal(torch.stack([self._momentum(p, group["momentum"]) for p in parameters]))
                rate = group["lr"] * 0.2 * max(shape) ** 0.5
                for p, update in zip(parameters, updates, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update.reshape(p.shape).to(p.dtype), alpha=-rate)

    def _momentum(self, p: nn.Parameter, momentum: float) -> Tensor:
        """Nesterov's look ahead, as a matrix."""
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(p.grad, 1 - momentum)
        return p.grad.lerp(state["momentum"], momentum).flatten(1)


def orthogonal(matrices: Tensor, iterations: int = 5) -> Tensor:
    """[n, rows, columns] -> the same with all singular values near one, by Newton-Schulz."""
    x = matrices.to(FAST)
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.transpose(1, 2)
    x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-7).to(FAST)
    for _ in range(iterations):
        square = x @ x.transpose(1, 2)
        x = A * x + (B * square + C * square @ square) @ x
    return x.transpose(1, 2) if tall else x
