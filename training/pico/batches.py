"""Training batches, made as they are needed, each from its own seed: any step can be made again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from tokenizers import Tokenizer
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from pico.patches import cut, grid_positions
from pico.serving import ServedTexts
from pico.tokens import encode
from scenes.captions import caption, prompt
from scenes.colours import COLOURS
from scenes.compose import NOBODY, compose, shared_small_sprites
from scenes.drawings import STYLES
from scenes.kinds import load_kinds
from scenes.scene import CROWDED, EASY, MIXED, Recipe, Scene, SceneSampler

IGNORED, BACKGROUND = -1, -2
"""Patch labels beside the indices of kinds, and of colours."""

SQUARE = {(8, 8): 1.0}
ALL_GRIDS = {
    (8, 8): 0.55, (7, 9): 0.06, (9, 7): 0.06, (6, 10): 0.05, (10, 6): 0.05, (5, 12): 0.04, (12, 5): 0.04,
    (4, 16): 0.03, (16, 4): 0.03, (2, 16): 0.01, (10, 10): 0.03, (12, 12): 0.03, (16, 16): 0.02,
}
"""Grids (rows, columns) and how often a whole batch has each."""


@dataclass(frozen=True)
class Phase:
    """A part of the training."""

    name: str
    share: float
    """Of all steps."""
    easy: float
    """Probability of a scene of a single large thing."""
    grids: dict[tuple[int, int], float]
    patches_kept: int | None = None
    """Patches an image keeps, those with things first; None keeps all."""
    squeezed: float = 0.0
    """Probability that a picture of another aspect is squeezed into the grid."""
    hard: Recipe = MIXED
    """What the scenes are that are not easy."""


PHASES = (
    Phase("small", share=0.30, easy=0.9, grids={(4, 4): 1.0}),
    Phase("thinned", share=0.50, easy=0.2, grids={(8, 8): 0.8, (7, 9): 0.1, (9, 7): 0.1}, patches_kept=36),
    Phase("whole", share=0.20, easy=0.1, grids=ALL_GRIDS),
)
SQUEEZED_PHASES = (
    Phase("small", share=0.44, easy=0.85, grids={(4, 4): 1.0}, squeezed=0.3),
    Phase("middle", share=0.39, easy=0.2, grids={(6, 6): 1.0}, squeezed=0.5),
    Phase("whole", share=0.17, easy=0.1, grids={(8, 8): 1.0}, squeezed=0.5),
)
"""For an encoder of square pictures whose work grows with their size."""
CROWDED_PHASES = (
    Phase("crowded", share=0.75, easy=0.08, grids={(8, 8): 0.8, (7, 9): 0.1, (9, 7): 0.1}, hard=CROWDED),
    Phase("whole", share=0.25, easy=0.08, grids=ALL_GRIDS, hard=CROWDED),
)
"""For an encoder that knows the kinds already and learns to find several of them."""
BATCH = 128
PROMPTS_A_STEP = 32


def phase_at(step: int, steps: int, phases: tuple[Phase, ...] = PHASES) -> Phase:
    """The phase that a step belongs to."""
    end = 0.0
    for phase in phases:
        end += phase.share * steps
        if step < round(end):
            return phase
    return phases[-1]


class SceneBatches(IterableDataset):
    """Endless batches from a given step; with several workers each makes every n-th."""

    def __init__(
        self, tokenizer: Tokenizer, seed: int, first_step: int, steps: int, batch: int = BATCH,
        phases: tuple[Phase, ...] = PHASES, styles: tuple[str, ...] = STYLES,
    ) -> None:
        self.tokenizer_json = tokenizer.to_str()
        self.seed, self.first_step, self.steps, self.batch = seed, first_step, steps, batch
        self.phases, self.styles = phases, styles

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        worker = get_worker_info()
        offset, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        if worker:
            os.nice(10)
            cv2.setNumThreads(1)
        tokenizer = Tokenizer.from_str(self.tokenizer_json)
        easy = SceneSampler(EASY, self.styles)
        hard = {phase.name: SceneSampler(phase.hard, self.styles) for phase in self.phases}
        for step in range(self.first_step + offset, self.steps, stride):
            yield self._batch(step, tokenizer, easy, hard)

    def _batch(
        self, step: int, tokenizer: Tokenizer, easy: SceneSampler, hard: dict[str, SceneSampler]
    ) -> dict[str, torch.Tensor]:
        rng = np.random.default_rng((self.seed, step))
        phase = phase_at(step, self.steps, self.phases)
        rows, columns = list(phase.grids)[int(rng.choice(len(phase.grids), p=list(phase.grids.values())))]
        batch = min(self.batch, self.batch * 80 // (rows * columns))
        samplers = [easy if rng.random() < phase.easy else hard[phase.name] for _ in range(batch)]
        images = [labelled_image(s, rng, rows, columns, phase.patches_kept, phase.squeezed) for s in samplers]
        patches, positions, owners, scenes = zip(*images, strict=True)
        ids, mask = encode(tokenizer, [caption(scene, rng) for scene in scenes])
        named = rng.choice(len(load_kinds()), PROMPTS_A_STEP, replace=False)
        prompts, prompts_mask = encode(tokenizer, [prompt(load_kinds()[kind], rng) for kind in named])
        return {
            "patches": torch.from_numpy(np.stack(patches)),
            "positions": torch.from_numpy(np.stack(positions)),
            "labels": torch.from_numpy(np.stack([kinds_of(*pair) for pair in zip(scenes, owners, strict=True)])),
            "colours": torch.from_numpy(np.stack([colours_of(*pair) for pair in zip(scenes, owners, strict=True)])),
            "kinds": torch.from_numpy(np.stack([presence(scene) for scene in scenes])),
            "ids": torch.from_numpy(ids),
            "mask": torch.from_numpy(mask),
            "prompts": torch.from_numpy(prompts),
            "prompts_mask": torch.from_numpy(prompts_mask),
            "prompt_kinds": torch.from_numpy(named),
        }


def labelled_image(
    sampler: SceneSampler, rng: np.random.Generator, rows: int, columns: int, kept: int | None, squeezed: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Scene]:
    """Patches uint8 [P, 768], positions int32 [P, 2], owners int64 [P] as ``patch_owners`` has them, and the scene."""
    width, height = columns * 16, rows * 16
    stretch = float(np.exp(rng.uniform(-0.6, 0.6))) if squeezed and rng.random() < squeezed else 1.0
    scene = sampler.sample(rng, aspect=stretch * columns / rows)
    wide, high = round(width * stretch**0.5), round(height / stretch**0.5)
    picture, shown = compose(scene, wide, high, shared_small_sprites())
    if (wide, high) != (width, height):
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        shown = cv2.resize(shown, (width, height), interpolation=cv2.INTER_NEAREST)
    patches, positions = cut(picture), grid_positions(rows, columns)
    owners, covered = patch_owners(scene, shown)
    if kept is None or kept >= len(patches):
        return patches, positions, owners, scene
    chosen = np.sort(np.argsort(rng.random(len(patches)) - covered)[:kept])
    return patches[chosen], positions[chosen], owners[chosen], scene


def patch_owners(scene: Scene, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which thing each patch shows, int64 [P] (its index, ``BACKGROUND`` or ``IGNORED``), and whether it shows any."""
    rows, columns = shown.shape[0] // 16, shown.shape[1] // 16
    tiles = shown.reshape(rows, 16, columns, 16)
    cover = np.stack([(tiles == i).mean((1, 3)).reshape(-1) for i in range(len(scene.things))])
    owners = np.where(cover.max(0) >= 0.2, cover.argmax(0), IGNORED)
    total = (tiles != NOBODY).mean((1, 3)).reshape(-1)
    return np.where(total <= 0.01, BACKGROUND, owners), total > 0.04


def kinds_of(scene: Scene, owners: np.ndarray) -> np.ndarray:
    """What each patch shows, int64 [P]: a kind, ``BACKGROUND`` or ``IGNORED``."""
    kinds = np.array([thing.kind for thing in scene.things])
    return np.where(owners >= 0, kinds[owners.clip(0)], owners)


def colours_of(scene: Scene, owners: np.ndarray) -> np.ndarray:
    """The named colour that what each patch shows was painted in, int64 [P]; ``IGNORED`` where there is none."""
    names = list(COLOURS)
    colours = np.array([IGNORED if thing.colour is None else names.index(thing.colour) for thing in scene.things])
    return np.where(owners >= 0, colours[owners.clip(0)], IGNORED)


def presence(scene: Scene) -> np.ndarray:
    """float32 [kinds]: one for each kind in the scene."""
    present = np.zeros(len(load_kinds()), np.float32)
    present[scene.kinds()] = 1
    return present


def with_captions(batches: Iterable[dict[str, torch.Tensor]], texts: ServedTexts) -> Iterator[dict[str, torch.Tensor]]:
    """The batches, with the vectors that a text encoder which stays gives to their captions."""
    for batch in batches:
        batch["captions"] = torch.from_numpy(texts.embed(batch["ids"].numpy(), batch["mask"].numpy()))
        yield batch


def loader(batches: SceneBatches, workers: int) -> DataLoader:
    """Batches in order, made ahead by worker processes."""
    ahead = {"prefetch_factor": 4, "multiprocessing_context": "spawn"} if workers else {}
    return DataLoader(batches, batch_size=None, num_workers=workers, **ahead)
