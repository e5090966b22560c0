"""The scenes that models are examined on: never trained with, rendered large, stored as files are.

Every set has a seed of its own; scenes are rendered from the SVGs at 256 to 512 pixels, encoded as
JPEG or PNG and decoded again by Pillow.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from scenes.captions import caption
from scenes.compose import compose, sharp_sprites
from scenes.drawings import HELD_BACK_STYLE, SEEN_STYLES, STYLES, load_drawings
from scenes.kinds import load_kinds
from scenes.scene import DEEP, ONE_THING, SOME_THINGS, TO_READ, Scene, SceneSampler

SETS = {
    "one": (91_001, ONE_THING), "some": (91_002, SOME_THINGS),
    "calibration-one": (91_003, ONE_THING), "calibration-some": (91_004, SOME_THINGS),
    "reading": (91_005, TO_READ), "deep": (91_006, DEEP), "faces": (91_007, TO_READ),
    "known": (91_008, ONE_THING), "held-back": (91_009, ONE_THING),
}
"""Seed and recipe of each; held back from training. In ``faces`` the faces of sure emotions come in turn."""

SET_STYLES = {"known": SEEN_STYLES, "held-back": (HELD_BACK_STYLE,)}
"""Of the sets that do not show all styles: those that ``pico_cnn`` has seen, and the one that it has not."""

SHAPES = ((1.0, 0.55), (4 / 3, 0.15), (3 / 4, 0.15), (16 / 9, 0.08), (9 / 16, 0.07))
"""Aspects of the pictures and how often they come."""


@dataclass(frozen=True)
class Sheet:
    """One question of the examination: a picture, what is in it, and one caption."""

    image: Image.Image
    scene: Scene
    caption: str

    def shows_only(self, styles: Collection[str]) -> bool:
        """Whether all that is in it is drawn in one of these styles."""
        return all(load_drawings()[thing.drawing].style in styles for thing in self.scene.things)


def sheets(name: str, count: int) -> list[Sheet]:
    """The first ``count`` sheets of a set."""
    return list(each_sheet(name, count))


def each_sheet(name: str, count: int) -> Iterator[Sheet]:
    """As ``sheets``, one after the other."""
    seed, recipe = SETS[name]
    sampler = SceneSampler(recipe, SET_STYLES.get(name, STYLES))
    faces = [kind.index for kind in load_kinds() if kind.emotion] if name == "faces" else []
    cv2.setNumThreads(1)
    for index in range(count):
        yield _sheet(seed, index, sampler, faces[index % len(faces)] if faces else None)


def _sheet(seed: int, index: int, sampler: SceneSampler, first_kind: int | None) -> Sheet:
    rng = np.random.default_rng((seed, index))
    aspect = float(rng.choice([a for a, _ in SHAPES], p=[p for _, p in SHAPES]))
    scene = sampler.sample(rng, aspect, first_kind)
    return Sheet(picture_file(scene, int(rng.integers(256, 513)), rng), scene, caption(scene, rng))


def picture_file(scene: Scene, longest: int, rng: np.random.Generator) -> Image.Image:
    """The scene rendered with its longest side at that many pixels, encoded and opened again."""
    width = longest if scene.aspect >= 1 else round(longest * scene.aspect)
    height = longest if scene.aspect <= 1 else round(longest / scene.aspect)
    picture, _ = compose(scene, width, height, sharp_sprites)
    file = io.BytesIO()
    if rng.random() < 0.7:
        Image.fromarray(picture).save(file, "JPEG", quality=int(rng.integers(75, 96)))
    else:
        Image.fromarray(picture).save(file, "PNG", compress_level=1)
    image = Image.open(file)
    image.load()
    return image


