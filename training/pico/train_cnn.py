"""Trains ``pico_cnn`` into the space of a text encoder that stays as it is. ``python -m pico.train_cnn --run NAME``

It sees every set of drawings but one, ``HELD_BACK_STYLE``, so that transfer to an unseen style can be measured.
A stopped run goes on where it was.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from pico.batches import SQUEEZED_PHASES, SceneBatches, loader, with_captions
from pico.cnn import CELL, CnnConfig, CnnEncoder
from pico.export import REPOSITORY
from pico.losses import DualEncoderLoss
from pico.serving import ServedTexts
from pico.train import TRAINING_SEED, Training, Watch, arguments, train
from scenes.drawings import CACHE, SEEN_STYLES

THUMBNAIL = CnnConfig(widths=(8, 16, 16, 32), depths=(0, 0, 0, 1))


class CnnLearner(nn.Module):
    """The convolutional encoder and its loss; texts come as vectors, and anchors are those of the kinds' prompts."""

    def __init__(self, config: CnnConfig, anchors: Tensor) -> None:
        super().__init__()
        self.vision = CnnEncoder(config)
        self.loss = DualEncoderLoss(*anchors.shape, anchors)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        image, cells = self.vision(pictures(batch["patches"]))
        return self.loss(image, cells, batch["captions"], None, batch)

    def embed(self, patches: Tensor, _: Tensor) -> Tensor:
        """Whole pictures into the joint space."""
        return self.vision(pictures(patches))[0]

    def projections(self) -> tuple[nn.Linear, ...]:
        """The last layers, whose outputs are the vectors of the joint space."""
        return self.vision.project_image, self.vision.project_patch

    def configuration(self) -> dict[str, dict]:
        """What the encoder is built from, as a checkpoint keeps it."""
        return {"cnn": self.vision.config.as_dict()}


def pictures(patches: Tensor) -> Tensor:
    """uint8 patches [N, P, 768] of square pictures -> [N, 3, height, width]."""
    side = round(patches.shape[1] ** 0.5)
    grid = patches.reshape(-1, side, side, CELL, CELL, 3).permute(0, 5, 1, 3, 2, 4)
    return grid.reshape(-1, 3, side * CELL, side * CELL)


def averaged_cnn(checkpoint: Path) -> tuple[CnnEncoder, dict]:
    """The encoder with its averaged weights, ready to export; and the checkpoint's own facts."""
    state = torch.load(checkpoint, weights_only=True)
    encoder = CnnEncoder(CnnConfig(**state["cnn"]))
    weights = {n.removeprefix("vision."): w for n, w in (state["model"] | state["average"]).items() if "vision." in n}
    encoder.load_state_dict(weights)
    return encoder.eval(), state


def main() -> None:
    parser = arguments(__doc__, "name of the run; its folder in the cache ends in -cnn", steps=1800, rate=2.5e-3)
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="where the text encoder is")
    parser.add_argument("--thumbnail", action="store_true", help="a tiny model, to check the pipeline only")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    folder = CACHE / "runs" / f"{options.run}-cnn"
    folder.mkdir(parents=True, exist_ok=True)
    texts = ServedTexts(options.repository)
    anchors = torch.from_numpy(texts.kinds())
    torch.manual_seed(TRAINING_SEED)
    config = replace(THUMBNAIL if options.thumbnail else CnnConfig(), projection_dim=anchors.shape[1])
    model = CnnLearner(config, anchors)
    training = Training(folder, options.steps, options.rate, model)
    training.resume()
    batches = SceneBatches(
        texts.tokenizer, TRAINING_SEED, training.step, training.steps, options.batch, SQUEEZED_PHASES, SEEN_STYLES
    )
    watch = Watch(lambda _: anchors, scenes=3 * options.batch, styles=SEEN_STYLES)
    learned = with_captions(loader(batches, options.workers), texts)
    train(training, learned, watch, options.stop_after or options.steps, SQUEEZED_PHASES)


if __name__ == "__main__":
    main()
