"""Pictures of scenes, in any size, with the map of which thing is where."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from scenes.colours import luminance, paint, shade
from scenes.damage import damage
from scenes.drawings import SINGLE_COLOUR_STYLES, Sprite, load_drawings, sprite, training_sprites
from scenes.scene import Background, Scene, Thing

SpriteSource = Callable[[int, float], Sprite]
"""From a drawing's index and the longest side wanted in pixels to a sprite at least as large, or the largest."""

NOBODY = 255
"""Marks the background in a map of things."""


def compose(scene: Scene, width: int, height: int, sprites: SpriteSource) -> tuple[np.ndarray, np.ndarray]:
    """The picture, uint8 RGB [height, width, 3], and the map of things, uint8 [height, width].

    The map holds the index of the topmost thing of each pixel, ``NOBODY`` where there is none.
    """
    drawings = load_drawings()
    picture = paint_background(scene.background, width, height)
    owners = np.full((height, width), NOBODY, np.uint8)
    for index, thing in enumerate(scene.things):
        longest = thing.size * min(width, height)
        drawn = _restyle(sprites(thing.drawing, longest), thing, drawings[thing.drawing].style)
        _place(picture, owners, drawn, thing, longest, index)
    if scene.damaged:
        picture = damage(picture, np.random.default_rng(scene.seed), keep_hue=any(t.colour for t in scene.things))
    return picture, owners


def _restyle(drawn: Sprite, thing: Thing, style: str) -> Sprite:
    """The drawing in the thing's colour and manner."""
    if thing.colour is None and thing.manner == "plain":
        return drawn
    rng = np.random.default_rng(thing.seed)
    drawn = drawn.copy()
    rgb = drawn[..., :3]
    if thing.manner == "lines" and style not in SINGLE_COLOUR_STYLES:
        rgb[:] = _line_drawing(drawn)
    elif thing.manner == "grey":
        rgb[:] = (luminance(rgb)[..., None] * 255).astype(np.uint8)
    elif thing.manner == "posterised":
        step = int(rng.integers(40, 90))
        rgb[:] = np.clip(rgb // step * step + step // 2, 0, 255)
    elif thing.manner == "shifted" and thing.colour is None:
        rgb[:] = turn_hue(rgb, int(rng.integers(-40, 41)))
    if thing.colour is not None:
        rgb[:] = paint(rgb, shade(thing.colour, rng), flat=style in SINGLE_COLOUR_STYLES)
    return drawn


def _line_drawing(drawn: Sprite) -> np.ndarray:
    """uint8 RGB: dark lines where light or outline changes, white elsewhere."""
    flat = (luminance(drawn) * 255).astype(np.float32) * (drawn[..., 3] / 255.0).astype(np.float32)
    edges = cv2.morphologyEx(flat, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    ink = np.clip(255 - 2.2 * edges, 30, 255).astype(np.uint8)
    return np.repeat(ink[..., None], 3, axis=2)


def turn_hue(rgb: np.ndarray, degrees_by_two: int) -> np.ndarray:
    """uint8 RGB with every hue turned (OpenCV's hue runs 0..179)."""
    hsv = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + degrees_by_two) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def _place(picture: np.ndarray, owners: np.ndarray, drawn: Sprite, thing: Thing, longest: float, index: int) -> None:
    """Blends the drawing into the picture, in place."""
    height, width = owners.shape
    rows, columns = drawn.shape[:2]
    scale = longest / max(rows, columns)
    angle = np.deg2rad(thing.angle)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    mirror = -1.0 if thing.flipped else 1.0
    matrix = np.array([[c * mirror, s, 0.0], [-s * mirror, c, 0.0]], np.float32)
    matrix[:, 2] = (thing.x * width, thing.y * height) - matrix[:, :2] @ ((columns - 1) / 2, (rows - 1) / 2)
    reach = int(np.ceil(longest * (abs(np.cos(angle)) + abs(np.sin(angle))) / 2)) + 2
    left, top = max(0, int(thing.x * width) - reach), max(0, int(thing.y * height) - reach)
    right, bottom = min(width, int(thing.x * width) + reach), min(height, int(thing.y * height) + reach)
    matrix[:, 2] -= (left, top)
    alpha = drawn[..., 3:].astype(np.uint16)
    premultiplied = drawn.copy()
    premultiplied[..., :3] = (drawn[..., :3] * alpha + 127) // 255
    warped = cv2.warpAffine(premultiplied, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    cover = warped[..., 3:].astype(np.uint16)
    window = picture[top:bottom, left:right]
    window[:] = np.minimum(warped[..., :3] + (window * (255 - cover) + 127) // 255, 255)
    owners[top:bottom, left:right][cover[..., 0] > 127] = index


def paint_background(background: Background, width: int, height: int) -> np.ndarray:
    """uint8 RGB [height, width, 3]."""
    rng = np.random.default_rng(background.seed)
    first, second = shade(background.colour, rng), shade(background.second, rng)
    first, second = (_softened(colour, rng) for colour in (first, second))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    unit = min(width, height)
    match background.pattern:
        case "flat":
            share = np.zeros((height, width), np.float32)
        case "gradient":
            angle = rng.uniform(0, 2 * np.pi)
            share = 0.5 + ((x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)) / 1.4
        case "stripes":
            angle, period = rng.uniform(0, np.pi), rng.uniform(0.08, 0.3) * unit
            share = (np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period) > 0).astype(np.float32)
        case "checks":
            period = rng.uniform(0.08, 0.25) * unit
            share = ((x // period + y // period) % 2).astype(np.float32)
        case "ground":
            somewhere = rng.uniform(0.35, 0.7)
            horizon = (somewhere if background.horizon is None else background.horizon) * height
            share = (y > horizon).astype(np.float32)
        case "blobs":
            coarse = rng.random((int(rng.integers(3, 7)), int(rng.integers(3, 7)))).astype(np.float32)
            share = np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
        case _:
            share = np.zeros((height, width), np.float32)
    share = share[..., None]
    ground = first * (1 - share) + second * share
    if background.pattern in ("texture", "ground"):
        grain = rng.normal(0, 1, (max(4, height // 4), max(4, width // 4), 1)).astype(np.float32)
        grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
        ground = ground + grain * float(rng.uniform(6, 26))
    return np.clip(ground, 0, 255).astype(np.uint8)


def depth_map(scene: Scene, owners: np.ndarray) -> np.ndarray:
    """float32 [height, width]: relative depth, 0 nearest to 1 farthest; things are flat, sky and walls are at 1."""
    height = len(owners)
    depth = np.ones(owners.shape, np.float32)
    horizon = scene.background.horizon
    if horizon is not None:
        below = ((np.arange(height, dtype=np.float32) + 0.5) / height - horizon) / ((1 - horizon) * 0.97)
        depth *= np.clip(1 - below, 0, 1)[:, None]
    for index, thing in enumerate(scene.things):
        depth[owners == index] = thing.distance
    return depth


def _softened(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Backgrounds are often paler than things."""
    return colour + (255 - colour) * float(rng.uniform(0.0, 0.6))


def small_sprites() -> SpriteSource:
    """Sprites for training, from memory, in halving sizes so that a single bilinear step is enough."""
    levels = [training_sprites()]
    for _ in range(2):
        levels.append([_halved(s) for s in levels[-1]])

    def source(drawing: int, longest: float) -> Sprite:
        level = 2 if longest <= 32 else 1 if longest <= 64 else 0
        return np.asarray(levels[level][drawing])

    return source


@lru_cache(maxsize=1)
def shared_small_sprites() -> SpriteSource:
    """``small_sprites`` made once."""
    return small_sprites()


def _halved(drawn: Sprite) -> Sprite:
    """Half the size, alpha-weighted, so that no colour of hidden pixels bleeds in."""
    alpha = drawn[..., 3:].astype(np.float32) / 255
    size = (max(1, drawn.shape[1] // 2), max(1, drawn.shape[0] // 2))
    colour = cv2.resize(drawn[..., :3] * alpha, size, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)[..., None]
    return np.concatenate((np.clip(colour / np.maximum(cover, 1e-3), 0, 255), cover * 255), axis=2).astype(np.uint8)


def sharp_sprites(drawing: int, longest: float) -> Sprite:
    """Sprites rendered from the SVG in the size wanted (rounded up to steps of 32 pixels)."""
    return sprite(load_drawings()[drawing], max(32, int(-(-longest // 32) * 32)))
