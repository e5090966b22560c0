"""Teaches the image encoder that some pictures show nothing. ``python -m pico.nothing --run NAME``

Trained on scenes alone, it finds something in every picture: pure noise was a ferris wheel. The last layer of whole
pictures is linear, so it is refitted by least squares: what it reads of scenes gives the vectors that it gave, what it
reads of pictures without things gives the vector that plain ones give on average, which is near to no kind. Patches
stay as they are: refitted likewise, their layer found fewer of the things that are there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from pico.patches import cut, grid_positions
from pico.train import averaged_vision, further_checkpoint
from pico.vision import VisionEncoder
from scenes.compose import compose, shared_small_sprites
from scenes.damage import damage
from scenes.drawings import CACHE
from scenes.scene import CROWDED, ONE_THING, Scene, SceneSampler

SEED = 20_290
SIDE = 8
"""Patches in a row, and rows."""
RIDGE = 1e-2
"""Beside the mean square of what the layer reads."""


def with_things(count: int) -> Iterator[np.ndarray]:
    """Pictures of scenes, uint8 [128, 128, 3], every other of one thing."""
    samplers = SceneSampler(ONE_THING), SceneSampler(CROWDED)
    for index in range(count):
        rng = np.random.default_rng((SEED, index))
        yield _picture(samplers[index % 2].sample(rng))


def without_things(count: int) -> Iterator[np.ndarray]:
    """In turn: a background alone, noise of any strength and grain on one, and blurred or coarse noise."""
    sampler = SceneSampler(ONE_THING)
    for index in range(count):
        rng = np.random.default_rng((SEED + 1, index))
        picture = _picture(replace(sampler.sample(rng), things=()))
        if index % 3:
            size = int(rng.integers(8, 129)) if index % 3 == 2 else 128
            grain = rng.normal(0, rng.uniform(20, 110), (size, size, 3 if rng.random() < 0.7 else 1))
            grain = cv2.resize(grain.astype(np.float32), (128, 128), interpolation=int(rng.integers(0, 3)))
            if grain.ndim == 2:
                grain = grain[..., None]
            picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
        yield damage(picture, rng, keep_hue=False) if rng.random() < 0.3 else picture


def plain(count: int) -> Iterator[np.ndarray]:
    """Pictures of one colour each."""
    for index in range(count):
        colour = np.random.default_rng((SEED + 2, index)).integers(256, size=3)
        yield np.broadcast_to(colour.astype(np.uint8), (SIDE * 16, SIDE * 16, 3))


def _picture(scene: Scene) -> np.ndarray:
    return compose(scene, SIDE * 16, SIDE * 16, shared_small_sprites())[0]


@torch.no_grad()
def read(encoder: VisionEncoder, pictures: Iterator[np.ndarray]) -> Tensor:
    """What the last layer reads of pictures, float64 [N, 2 * width]."""
    positions = torch.from_numpy(grid_positions(SIDE, SIDE))
    whole = []
    for picture in pictures:
        tensor = torch.from_numpy(cut(np.ascontiguousarray(picture)))[None]
        features = encoder(tensor, torch.ones(tensor.shape[:2], dtype=torch.bool), positions[None])[1]
        whole.append(torch.cat((features.mean(1), features.amax(1)), dim=-1))
    return torch.cat(whole).double()


def refit(layer: torch.nn.Linear, things: Tensor, nothing: Tensor, blank: Tensor) -> None:
    """Sets a layer so that rows of things [N, F] keep their outputs, and rows of nothing [M, F], which together count
    as much, get that of blanks."""
    weight, bias = layer.weight.double(), layer.bias.double()
    rows = torch.cat((things, nothing))
    one = torch.ones(len(rows), 1, dtype=torch.float64)
    inputs = torch.cat((rows, one), dim=1)
    kept = things @ weight.T + bias
    quiet = (blank @ weight.T + bias).mean(0)
    outputs = torch.cat((kept, quiet.expand(len(nothing), -1)))
    share = len(things) / len(nothing)
    importance = torch.cat((torch.ones(len(things)), torch.full((len(nothing),), share))).double()[:, None]
    before = torch.cat((weight, bias[:, None]), dim=1).T
    spread = inputs.T @ (importance * inputs) / len(rows)
    change = inputs.T @ (importance * (outputs - inputs @ before)) / len(rows)
    spread += RIDGE * spread.diagonal().mean() * torch.eye(len(spread), dtype=torch.float64)
    after = (before + torch.linalg.solve(spread, change)).T.float()
    with torch.no_grad():
        layer.weight.copy_(after[:, :-1])
        layer.bias.copy_(after[:, -1])


def quieten(encoder: VisionEncoder, count: int) -> None:
    """Refits the last layer on so many scenes, and half as many pictures without things."""
    pictures = with_things(count), without_things(count // 2), plain(40)
    refit(encoder.project_image, *(read(encoder, some) for some in pictures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    parser.add_argument("--count", type=int, default=3000, help="scenes that keep their vectors")
    options = parser.parse_args()
    run = CACHE / "runs" / options.run
    encoder, state = averaged_vision(run)
    quieten(encoder, options.count)
    state["average"] |= {f"vision.{name}": value for name, value in encoder.state_dict().items()}
    torch.save(state, further_checkpoint(run))


if __name__ == "__main__":
    main()
