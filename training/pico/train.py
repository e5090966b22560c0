"""Trains the dual encoder. ``python -m pico.train --run NAME --steps N``; a stopped run goes on where it was."""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from pico.batches import BATCH, SceneBatches, labelled_image, loader, phase_at
from pico.losses import DualEncoderLoss
from pico.muon import Muon
from pico.precision import FAST
from pico.text import TextConfig, TextEncoder
from pico.tokens import encode, save_tokenizer, train_tokenizer
from pico.vision import VisionConfig, VisionEncoder
from scenes.captions import plain_prompts
from scenes.drawings import CACHE
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

    @torch.no_grad()
    def spread(self, batch: dict[str, Tensor]) -> None:
        """Moves and scales the projections so that the vectors of a first batch point in all directions.

        Fresh encoders give nearly the same vector for everything, and its common part has to be
        unlearned first; this takes it away before the first step.
        """
        projections = (self.vision.project_image, self.vision.project_patch, self.text.project)
        seen: dict[nn.Module, list[Tensor]] = {p: [] for p in projections}
        hooks = [p.register_forward_hook(lambda m, _, out: seen[m].append(out.flatten(0, -2))) for p in projections]
        self(batch)
        for hook in hooks:
            hook.remove()
        for projection, outputs in seen.items():
            rows = torch.cat(outputs)
            length = (rows - rows.mean(0)).norm(dim=1).mean()
            projection.bias.sub_(rows.mean(0)).div_(length)
            projection.weight.div_(length)


class Training:
    """One run: model, optimiser, averaged weights, history, and where they are kept."""

    def __init__(self, folder: Path, steps: int, batch: int, peak_rate: float, vision: VisionConfig, text: TextConfig):
        torch.manual_seed(TRAINING_SEED)
        self.folder, self.steps, self.batch, self.peak_rate = folder, steps, batch, peak_rate
        self.model = DualEncoder(vision, text).train()
        self.average = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        weights = {id(m.weight): m.weight for m in self.model.modules() if isinstance(m, nn.Linear | nn.Conv2d)}
        others = [p for p in self.model.parameters() if id(p) not in weights]
        self.optimisers = (
            Muon(weights.values(), lr=peak_rate, weight_decay=0.05),
            torch.optim.AdamW(others, lr=peak_rate, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.0, fused=True),
        )
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
        halved = {n: p if n.startswith("loss.") else p.to(FAST) for n, p in self.model.named_parameters()}
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
        parameters = dict(self.model.named_parameters())
        torch._foreach_lerp_([self.average[n] for n in names], [parameters[n] for n in names], 1 - decay)

    def save(self) -> None:
        """Writes the checkpoint; the old one stays until the new one is whole."""
        state = {
            "step": self.step, "steps": self.steps, "seconds": self.seconds, "history": self.history,
            "model": self.model.state_dict(), "average": self.average,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "vision": self.model.vision.config.as_dict(), "text": self.model.text.config.as_dict(),
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


class Watch:
    """A few hundred scenes of one thing that the learning curve is read on."""

    def __init__(self, tokenizer: Tokenizer, scenes: int) -> None:
        rng = np.random.default_rng(WATCH_SEED)
        sampler = SceneSampler(ONE_THING)
        images = [labelled_image(sampler, rng, 8, 8, None) for _ in range(scenes)]
        self.patches = torch.from_numpy(np.stack([image[0] for image in images]))
        self.positions = torch.from_numpy(np.stack([image[1] for image in images]))
        self.kinds = torch.tensor([image[3].things[0].kind for image in images])
        self.prompts, self.prompts_mask = map(torch.from_numpy, encode(tokenizer, plain_prompts()))

    @torch.no_grad()
    def accuracy(self, training: Training) -> float:
        """Zero-shot top-1 of the averaged weights over all kinds."""
        weights = {name: p.to(FAST) for name, p in training.average.items()}
        def part(prefix: str) -> dict[str, Tensor]:
            return {n.removeprefix(prefix): p for n, p in weights.items() if n.startswith(prefix)}
        prompts = torch.func.functional_call(
            training.model.text, part("text."), (self.prompts, self.prompts_mask)
        )
        right = 0
        for at in range(0, len(self.kinds), 128):
            patches = self.patches[at : at + 128]
            mask = torch.ones(patches.shape[:2], dtype=torch.bool)
            image, _, _ = torch.func.functional_call(
                training.model.vision, part("vision."), (patches, mask, self.positions[at : at + 128])
            )
            right += int(((image @ prompts.T).argmax(1) == self.kinds[at : at + 128]).sum())
        return right / len(self.kinds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main", help="name of the run's folder in the cache")
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--rate", type=float, default=2.5e-3, help="peak learning rate")
    parser.add_argument("--workers", type=int, default=1, help="processes that compose scenes")
    parser.add_argument("--stop-after", type=int, help="end this process at that step (it can be resumed)")
    parser.add_argument("--thumbnail", action="store_true", help="tiny models, to check the pipeline only")
    options = parser.parse_args()

    torch.set_num_threads(2)
    folder = CACHE / "runs" / options.run
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = shared_tokenizer(folder)
    vision, text = (THUMBNAIL_VISION, THUMBNAIL_TEXT) if options.thumbnail else (VisionConfig(), TextConfig())
    training = Training(folder, options.steps, options.batch, options.rate, vision, text)
    training.resume()
    train(training, tokenizer, options.workers, options.stop_after or options.steps)


THUMBNAIL_VISION = VisionConfig(width=64, depth=2, heads=2, mlp_width=128, stem_width=16, projection_dim=64)
THUMBNAIL_TEXT = TextConfig(width=64, depth=1, heads=2, mlp_width=128, projection_dim=64)


def shared_tokenizer(folder: Path) -> Tokenizer:
    """The run's tokenizer, made at its start."""
    if not (folder / "tokenizer.json").exists():
        save_tokenizer(train_tokenizer(TRAINING_SEED), folder)
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def train(training: Training, tokenizer: Tokenizer, workers: int, last_step: int) -> None:
    """Runs to the last step, with a line of progress every 50 steps and a checkpoint every 200."""
    batches = SceneBatches(tokenizer, TRAINING_SEED, training.step, training.steps, training.batch)
    watch = Watch(tokenizer, scenes=3 * training.batch)
    began, images, sums = time.time(), 0, {}
    for batch in loader(batches, workers):
        if training.step == 0:
            training.model.spread(batch)
        losses = training.learn(batch)
        images += len(batch["patches"])
        sums = {name: sums.get(name, 0.0) + loss / 50 for name, loss in losses.items()}
        if training.step % 50 == 0:
            seconds = time.time() - began
            training.seconds += seconds
            parts = "  ".join(f"{name} {loss:.3f}" for name, loss in sums.items())
            print(
                f"step {training.step}/{training.steps} {phase_at(training.step - 1, training.steps).name}  {parts}  "
                f"{images / seconds:.0f} scenes/s  {training.seconds / 60:.1f} min", flush=True,
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
