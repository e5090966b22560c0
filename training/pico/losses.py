"""What the dual encoder is trained by: captions by contrast, kinds on the whole, kinds on the patches."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pico.batches import BACKGROUND, IGNORED
from pico.precision import FAST
from pico.vision import unit


class DualEncoderLoss(nn.Module):
    """Five losses over one batch; scales and biases are learned.

    Each kind has an anchor in the joint space, learned with the rest: prompts are drawn to it by the
    text encoder, pictures and patches by the image encoder. Both sides so have a plain task from the
    first step, where prompts that are still all alike would teach the pictures nothing. Anchors are
    for training only; what is served are the two encoders. Beside a text encoder that is no longer
    trained, the anchors are the vectors that it gives to the kinds' prompts, and are not learned.

    contrast: picture against caption, symmetric; scenes of the same kinds are no negatives of each other.
    kinds: softmax over all anchors on the pooled vector; the target is shared by the kinds present.
    presence: for each kind the best patch's cosine, scaled and biased, against whether it is there.
    patches: softmax over all anchors and "nothing" for each patch, by what it shows.
    prompts: softmax over all anchors on the text vector of a prompt.
    """

    WEIGHTS: ClassVar[dict[str, float]] = {
        "contrast": 1.0, "kinds": 0.6, "presence": 0.12, "patches": 1.0, "prompts": 0.5
    }

    def __init__(self, kinds: int, projection_dim: int, anchors: Tensor | None = None) -> None:
        super().__init__()
        if anchors is None:
            self.anchors = nn.Parameter(torch.randn(kinds, projection_dim))
        else:
            self.register_buffer("anchors", anchors)
        self.log_scales = nn.Parameter(torch.log(torch.tensor([14.0, 14.0, 14.0, 14.0, 14.0])))
        self.presence_bias = nn.Parameter(torch.tensor(-9.0))
        self.nothing = nn.Parameter(torch.tensor(2.0))

    def forward(
        self, image: Tensor, patch: Tensor, captions: Tensor, prompts: Tensor | None, batch: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """image, captions [B, D]; patch [B, P, D]; prompts [M, D] where texts are learned; all of length one.

        Of the batch: kinds float [B, K]; labels int [B, P]; prompt_kinds int [M].
        """
        contrast, pooled, presence, patches, named = self.log_scales.clamp(max=4.2).exp().unbind()
        anchors, kinds = unit(self.anchors), batch["kinds"]
        losses = {
            "contrast": self._contrast(contrast * image @ captions.T, kinds),
            "kinds": self._kinds(pooled * image @ anchors.T, kinds),
            "presence": self._presence(patch, anchors, presence, kinds),
            "patches": self._patches(patch, anchors, patches, batch["labels"]),
        }
        if prompts is not None:
            losses["prompts"] = F.cross_entropy(named * prompts @ anchors.T, batch["prompt_kinds"])
        return losses

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        return sum(self.WEIGHTS[name] * loss for name, loss in losses.items())

    @staticmethod
    def _contrast(logits: Tensor, kinds: Tensor) -> Tensor:
        same = (kinds @ kinds.T) == kinds.sum(1, keepdim=True)
        same = same & same.T & ~torch.eye(len(kinds), dtype=torch.bool)
        logits = logits.masked_fill(same, -1e4)
        target = torch.arange(len(logits))
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2

    @staticmethod
    def _kinds(logits: Tensor, kinds: Tensor) -> Tensor:
        return F.cross_entropy(logits, kinds / kinds.sum(1, keepdim=True))

    def _presence(self, patch: Tensor, anchors: Tensor, scale: Tensor, kinds: Tensor) -> Tensor:
        best = (patch.to(FAST) @ anchors.T.to(FAST)).amax(1).float()
        logits = scale * best + self.presence_bias
        return F.binary_cross_entropy_with_logits(logits, kinds, reduction="sum") / len(kinds)

    def _patches(self, patch: Tensor, anchors: Tensor, scale: Tensor, labels: Tensor) -> Tensor:
        known = labels != IGNORED
        labels = labels[known]
        logits = scale * (patch[known].to(FAST) @ anchors.T.to(FAST)).float()
        logits = torch.cat((logits, self.nothing.expand(len(logits), 1)), dim=1)
        nothing = labels == BACKGROUND
        loss = F.cross_entropy(logits, labels.masked_fill(nothing, len(anchors)), reduction="none")
        weight = torch.where(nothing, 0.2, 1.0)
        return (loss * weight).sum() / weight.sum()
