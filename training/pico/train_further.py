"""Trains ``pico_vision`` further, beside a text encoder that stays. ``python -m pico.train_further --run NAME``

It begins with the weights of the run and learns scenes of up to six things: to find each of them, with its
colour and its place, so that what reads the patch features can. A stopped run goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pico.batches import CROWDED_PHASES, IGNORED, SceneBatches, loader, with_captions
from pico.export import REPOSITORY
from pico.losses import DualEncoderLoss
from pico.serving import ServedTexts
from pico.train import Training, Watch, arguments, averaged_encoders, further_checkpoint, train
from pico.vision import MAX_SIDE, VisionEncoder
from scenes.colours import COLOURS
from scenes.drawings import CACHE

TRAINING_SEED = 20_280


class PatchLoss(nn.Module):
    """The loss of the dual encoder, and two more that read the patch features through one linear map each.

    colours: softmax over the named colours, on patches of things that were painted in one.
    places: squared distance from the patch's own row and column, in sides of the largest grid.
    """

    WEIGHTS: ClassVar[dict[str, float]] = {
        **DualEncoderLoss.WEIGHTS, "presence": 0.25, "colours": 0.25, "places": 4.0
    }

    def __init__(self, anchors: Tensor, width: int) -> None:
        super().__init__()
        self.joint = DualEncoderLoss(*anchors.shape, anchors)
        self.colours = nn.Linear(width, len(COLOURS))
        self.places = nn.Linear(width, 2)

    def forward(
        self, image: Tensor, features: Tensor, patch: Tensor, batch: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """image [B, D]; features [B, P, width]; patch [B, P, D]. Of the batch: colours int [B, P], positions."""
        losses = self.joint(image, patch, batch["captions"], None, batch)
        painted = batch["colours"] != IGNORED
        losses["colours"] = F.cross_entropy(self.colours(features[painted]).float(), batch["colours"][painted])
        place = (batch["positions"].float() + 0.5) / MAX_SIDE
        losses["places"] = (self.places(features).float() - place).square().sum(-1).mean()
        return losses

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        return sum(self.WEIGHTS[name] * loss for name, loss in losses.items())


class VisionLearner(nn.Module):
    """The image encoder and its loss; texts come as vectors, and anchors are those of the kinds' prompts."""

    def __init__(self, vision: VisionEncoder, anchors: Tensor) -> None:
        super().__init__()
        self.vision = vision
        self.loss = PatchLoss(anchors, vision.config.width)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.loss(*self.see(batch), batch)

    def see(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """What the encoder gives for the pictures of a batch, none of them padded."""
        patches = batch["patches"]
        return self.vision(patches, torch.ones(patches.shape[:2], dtype=torch.bool), batch["positions"])

    def embed(self, patches: Tensor, positions: Tensor) -> Tensor:
        """Whole pictures into the joint space."""
        return self.see({"patches": patches, "positions": positions})[0]

    def projections(self) -> tuple[nn.Linear, ...]:
        """None: their vectors point in all directions already."""
        return ()

    def configuration(self) -> dict[str, dict]:
        """What the encoder is built from, as a checkpoint keeps it."""
        return {"vision": self.vision.config.as_dict()}


def settle(learner: VisionLearner, batches: Iterable[dict[str, Tensor]], steps: int = 150) -> None:
    """Fits the scales and the two linear maps of the loss to an encoder that is trained already.

    Fresh ones would first pull the encoder away from what it has learned.
    """
    with torch.no_grad():
        seen = [(learner.see(batch), batch) for batch in batches]
    optimiser = torch.optim.Adam(learner.loss.parameters(), lr=0.03)
    for step in range(steps):
        outputs, batch = seen[step % len(seen)]
        optimiser.zero_grad()
        learner.loss.total(learner.loss(*outputs, batch)).backward()
        optimiser.step()


def main() -> None:
    begins = "name of the run it begins from; its own folder ends in -further"
    parser = arguments(__doc__, begins, steps=1500, rate=1.5e-3)
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="where the text encoder is")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    run = CACHE / "runs" / options.run
    folder = further_checkpoint(run).parent
    folder.mkdir(parents=True, exist_ok=True)
    texts = ServedTexts(options.repository)
    anchors = torch.from_numpy(texts.kinds())
    torch.manual_seed(TRAINING_SEED)
    vision, _, _ = averaged_encoders(run / "checkpoint.pt")
    learner = VisionLearner(vision, anchors)
    training = Training(folder, options.steps, options.rate, learner)
    training.resume()
    batches = SceneBatches(
        texts.tokenizer, TRAINING_SEED, training.step, training.steps, options.batch, CROWDED_PHASES
    )
    learned = with_captions(loader(batches, options.workers), texts)
    if training.step == 0:
        settle(learner, islice(learned, 4))
    watch = Watch(lambda _: anchors, scenes=3 * options.batch)
    train(training, learned, watch, options.stop_after or options.steps, CROWDED_PHASES)


if __name__ == "__main__":
    main()
