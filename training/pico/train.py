"""Trains the dual encoder. ``python -m pico.train --run NAME --steps N``; a stopped run goes on where it was."""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from pico.batches import BATCH, PHASES, Phase, SceneBatches, labelled_image, loader, phase_at
from pico.losses import DualEncoderLoss
from pico.muon import Muon
from pico.precision import FAST
from pico.text import TextConfig, TextEncoder
from pico.tokens import encode, save_tokenizer, train_tokenizer
from pico.vision import VisionConfig, VisionEncoder
from scenes.captions import plain_prompts
from scenes.drawings import CACHE, STYLES
from scenes.kinds import load_kinds
from scenes.scene import ONE_THING, SceneSampler

TRAINING_SEED = 20_260
WATCH_SEED = 7_001
"""Of the scenes that the learning curve is read on; no decision is made by the examination's own."""


class DualEncoder(nn.Module):
    """Both encoders and their loss: everything that is trained."""

    def __init__(self, vision: VisionConfig, text: TextConfig) -> None:
        super().__init__()
        self.vision = VisionEncoder(vision)
        self.text = TextEncoder(text)
        self.loss = DualEncoderLoss(len(load_kinds()), vision.projection_dim)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        mask = torch.ones(batch["patches"].shape[:2], dtype=torch.bool)
        image, _, patch = self.vision(batch["patches"], mask, batch["positions"])
        captions = self.text(batch["ids"], batch["mask"])
        prompts = self.text(batch["prompts"], batch["prompts_mask"])
        return self.loss(image, patch, captions, prompts, batch)

    def embed(self, patches: Tensor, positions: Tensor) -> Tensor:
        """Whole pictures into the joint space."""
        return self.vision(patches, torch.ones(patches.shape[:2], dtype=torch.bool), positions)[0]

    def projections(self) -> tuple[nn.Linear, ...]:
        """The last layers, whose outputs are the vectors of the joint space."""
        return self.vision.project_image, self.vision.project_patch, self.text.project

    def configuration(self) -> dict[str, dict]:
        """What the encoders are built from, as a checkpoint keeps it."""
        return {"vision": self.vision.config.as_dict(), "text": self.text.config.as_dict()}


@torch.no_grad()
def spread(model: nn.Module, batch: dict[str, Tensor]) -> None:
    """Moves and scales the projections so that the vectors of a first batch point in all directions.

    Fresh encoders give nearly the same vector for everything, and its common part has to be
    unlearned first; this takes it away before the first step.
    """
    seen: dict[nn.Module, list[Tensor]] = {p: [] for p in model.projections()}
    hooks = [p.register_forward_hook(lambda m, _, out: seen[m].append(out.flatten(0, -2))) for p in seen]
    model(batch)
    for hook in hooks:
        hook.remove()
    for projection, outputs in seen.items():
        rows = torch.cat(outputs)
        length = (rows - rows.mean(0)).norm(dim=1).mean()
        projection.bias.sub_(rows.mean(0)).div_(length)
        projection.weight.div_(length)


class Training:
    """One run: model, optimiser, averaged weights, history, and where they are kept."""

    def __init__(self, folder: Path, steps: int, peak_rate: float, model: nn.Module):
        self.folder, self.steps, self.peak_rate = folder, steps, peak_rate
        self.model = model.train()
        self.average = {name: value.clone() for name, value in model.state_dict().items() if value.is_floating_point()}
        weights = {id(m.weight): m.weight for m in self.model.modules() if isinstance(m, nn.Linear | nn.Conv2d)}
        others = [p for p in self.model.parameters() if id(p) not in weights]
        self.optimisers = (
            Muon(weights.values(), lr=peak_rate, weight_decay=0.05),
            torch.optim.AdamW(others, lr=peak_rate, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.0, fused=True),
        )
        norms = [name for name, m in self.model.named_modules() if isinstance(m, nn.BatchNorm2d)]
        self.whole = ("loss.", *(f"{name}." for name in norms))
        """Parameters that stay float32: BatchNorm's come with statistics that do."""
        self.step = 0
        self.seconds = 0.0
        self.history: list[dict] = []

    def rate(self) -> float:
        """Learning rate of this step: a short linear rise, then half a cosine down to 2 %."""
        rise = max(1, min(100, self.steps // 20))
        if self.step < rise:
            return self.peak_rate * (self.step + 1) / rise
        progress = (self.step - rise) / max(1, self.steps - rise)
        return self.peak_rate * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)

    def learn(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """One step of the optimiser. Activations are bfloat16 where that is fast, weights and losses float32."""
        for optimiser in self.optimisers:
            optimiser.param_groups[0]["lr"] = self.rate()
        halved = {n: p if n.startswith(self.whole) else p.to(FAST) for n, p in self.model.named_parameters()}
        losses = torch.func.functional_call(self.model, halved, (batch,))
        self.model.zero_grad(set_to_none=True)
        self.model.loss.total(losses).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        self._average(decay=min(0.998, 1 - 1 / (1 + self.step / 10)))
        return {name: loss.item() for name, loss in losses.items()}

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        names = list(self.average)
        state = self.model.state_dict()
        torch._foreach_lerp_([self.average[n] for n in names], [state[n] for n in names], 1 - decay)

    def averaged(self) -> nn.Module:
        """The model with its averaged weights, ready to be asked."""
        model = copy.deepcopy(self.model).eval()
        model.load_state_dict(model.state_dict() | self.average)
        return model.to(FAST)

    def save(self) -> None:
        """Writes the checkpoint; the old one stays until the new one is whole."""
        state = {
            "step": self.step, "steps": self.steps, "seconds": self.seconds, "history": self.history,
            "model": self.model.state_dict(), "average": self.average,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            **self.model.configuration(),
        }
        part = self.folder / "checkpoint.part"
        torch.save(state, part)
        part.replace(self.folder / "checkpoint.pt")
        (self.folder / "history.json").write_text(json.dumps(self.history, indent=1) + "\n")

    def resume(self) -> None:
        """Goes on from the checkpoint, when there is one. A run keeps the steps it was started with."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["steps"] != self.steps:
            raise ValueError(f"{path}: a run of {state['steps']} steps (expected: {self.steps}); name another --run")
        self.model.load_state_dict(state["model"])
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.average, self.step = state["average"], state["step"]
        self.history, self.seconds = state["history"], state["seconds"]


def averaged_encoders(checkpoint: Path) -> tuple[VisionEncoder, TextEncoder, dict]:
    """The encoders with their averaged weights, in float32, ready to export; and the checkpoint's own facts."""
    state = torch.load(checkpoint, weights_only=True)
    model = DualEncoder(VisionConfig(**state["vision"]), TextConfig(**state["text"]))
    model.load_state_dict(state["average"])
    return model.vision.eval(), model.text.eval(), state


def further_checkpoint(run: Path) -> Path:
    """Where the run that trains the image encoder of another further keeps its state."""
    return run.with_name(f"{run.name}-further") / "checkpoint.pt"


def averaged_vision(run: Path) -> tuple[VisionEncoder, dict]:
    """A run's image encoder as it ships: that of ``train_further`` once there is one; and its checkpoint's facts."""
    further = further_checkpoint(run)
    if not further.exists():
        encoder, _, state = averaged_encoders(run / "checkpoint.pt")
        return encoder, state
    state = torch.load(further, weights_only=True)
    encoder, part = VisionEncoder(VisionConfig(**state["vision"])), "vision."
    encoder.load_state_dict({n.removeprefix(part): w for n, w in state["average"].items() if n.startswith(part)})
    return encoder.eval(), state


class Watch:
    """A few hundred scenes of one thing that the learning curve is read on; ``texts`` gives the kinds' vectors."""

    def __init__(self, texts: Callable[[nn.Module], Tensor], scenes: int, styles: tuple[str, ...] = STYLES) -> None:
        rng = np.random.default_rng(WATCH_SEED)
        sampler = SceneSampler(ONE_THING, styles)
        self.texts = texts
        images = [labelled_image(sampler, rng, 8, 8, None) for _ in range(scenes)]
        self.patches = torch.from_numpy(np.stack([image[0] for image in images]))
        self.positions = torch.from_numpy(np.stack([image[1] for image in images]))
        self.kinds = torch.tensor([image[3].things[0].kind for image in images])

    @torch.no_grad()
    def accuracy(self, training: Training) -> float:
        """Zero-shot top-1 of the averaged weights over all kinds."""
        model = training.averaged()
        texts = self.texts(model).float()
        right = 0
        for at in range(0, len(self.kinds), 128):
            images = model.embed(self.patches[at : at + 128], self.positions[at : at + 128])
            right += int(((images @ texts.T).argmax(1) == self.kinds[at : at + 128]).sum())
        return right / len(self.kinds)


def arguments(about: str, run: str, steps: int, rate: float) -> argparse.ArgumentParser:
    """What a run that trains an image encoder can be told; ``run`` says what its name means."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--run", default="main", help=run)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--rate", type=float, default=rate, help="peak learning rate")
    parser.add_argument("--workers", type=int, default=1, help="processes that compose scenes")
    parser.add_argument("--threads", type=int, default=2, help="of this process")
    parser.add_argument("--stop-after", type=int, help="end this process at that step (it can be resumed)")
    return parser


def main() -> None:
    parser = arguments(__doc__, "name of the run's folder in the cache", steps=1800, rate=2.5e-3)
    parser.add_argument("--thumbnail", action="store_true", help="tiny models, to check the pipeline only")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    folder = CACHE / "runs" / options.run
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = shared_tokenizer(folder)
    vision, text = (THUMBNAIL_VISION, THUMBNAIL_TEXT) if options.thumbnail else (VisionConfig(), TextConfig())
    torch.manual_seed(TRAINING_SEED)
    training = Training(folder, options.steps, options.rate, DualEncoder(vision, text))
    training.resume()
    batches = SceneBatches(tokenizer, TRAINING_SEED, training.step, training.steps, options.batch)
    prompts, mask = map(torch.from_numpy, encode(tokenizer, plain_prompts()))
    watch = Watch(lambda model: model.text(prompts, mask), scenes=3 * options.batch)
    train(training, loader(batches, options.workers), watch, options.stop_after or options.steps)


THUMBNAIL_VISION = VisionConfig(width=64, depth=2, heads=2, mlp_width=128, stem_width=16, projection_dim=64)
THUMBNAIL_TEXT = TextConfig(width=64, depth=1, heads=2, mlp_width=128, projection_dim=64)


def shared_tokenizer(folder: Path) -> Tokenizer:
    """The run's tokenizer, made at its start."""
    if not (folder / "tokenizer.json").exists():
        save_tokenizer(train_tokenizer(TRAINING_SEED), folder)
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def train(
    training: Training, batches: Iterable[dict[str, Tensor]], watch: Watch, last_step: int,
    phases: tuple[Phase, ...] = PHASES,
) -> None:
    """Runs to the last step, with a line of progress every 50 steps and a checkpoint every 200."""
    began, images, sums = time.time(), 0, {}
    for batch in batches:
        if training.step == 0:
            spread(training.model, batch)
        losses = training.learn(batch)
        images += len(batch["patches"])
        sums = {name: sums.get(name, 0.0) + loss / 50 for name, loss in losses.items()}
        if training.step % 50 == 0:
            seconds = time.time() - began
            training.seconds += seconds
            parts = "  ".join(f"{name} {loss:.3f}" for name, loss in sums.items())
            print(
                f"step {training.step}/{training.steps} {phase_at(training.step - 1, training.steps, phases).name}  "
                f"{parts}  {images / seconds:.0f} scenes/s  {training.seconds / 60:.1f} min", flush=True,
            )
            began, images, sums = time.time(), 0, {}
        if training.step % 200 == 0 or training.step >= last_step:
            top1 = watch.accuracy(training)
            training.history.append({"step": training.step, "minutes": training.seconds / 60, "watch_top1": top1})
            training.save()
            print(f"step {training.step}: watch top-1 {top1:.3f}", flush=True)
        if training.step >= last_step:
            break


if __name__ == "__main__":
    main()
