"""The colours that have a name here, and painting drawings with them."""

from __future__ import annotations

import numpy as np

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "orange": (243, 132, 30),
    "yellow": (246, 208, 45),
    "green": (52, 160, 70),
    "blue": (44, 98, 214),
    "purple": (128, 62, 176),
    "pink": (240, 130, 178),
    "brown": (126, 80, 46),
    "black": (34, 34, 36),
    "white": (244, 244, 242),
    "grey": (134, 136, 140),
}
"""sRGB of each named colour."""


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Rec. 601 luma in 0..1 of uint8 [..., 3 or more]."""
    return (rgb[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)) / 255


def shade(colour: str, rng: np.random.Generator) -> np.ndarray:
    """float [3] in 0..255: the named colour, a little off as paint is."""
    return np.clip(np.array(COLOURS[colour], np.float32) + rng.normal(0, 9, 3), 0, 255)


def paint(rgb: np.ndarray, paint_rgb: np.ndarray, flat: bool) -> np.ndarray:
    """A drawing in one colour: its light and dark are kept, its own hues are not.

    rgb: uint8 [h, w, 3]; paint_rgb: float [3] in 0..255; flat: one even colour (single-colour sets).
    """
    if flat:
        return np.broadcast_to(paint_rgb.astype(np.uint8), rgb.shape).copy()
    light = luminance(rgb)[..., None]
    dark = paint_rgb * np.clip(0.25 + 1.25 * light, 0, 1)
    bright = np.clip(2.2 * (light - 0.6), 0, 1) * 0.75
    return np.clip(dark + (255 - dark) * bright, 0, 255).astype(np.uint8)
