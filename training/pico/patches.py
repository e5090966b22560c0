"""From a picture to patches, exactly as the service does it: NaFlex grid, Pillow resize, raster order."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageOps

PATCH = 16
MAX_SIDE = 16


def naflex_grid(height: int, width: int, max_patches: int = 64) -> tuple[int, int]:
    """Rows and columns of patches: SigLIP 2's bisection on the scale, then at most 16 a side."""
    low, high, epsilon = 1e-5 / 10, 100.0, 1e-5
    while high - low >= epsilon:
        scale = (low + high) / 2
        rows, columns = _scaled(scale, height), _scaled(scale, width)
        if rows * columns <= max_patches:
            low = scale
        else:
            high = scale
    rows, columns = _scaled(low, height), _scaled(low, width)
    return min(rows, MAX_SIDE), min(columns, MAX_SIDE)


def _scaled(scale: float, side: int) -> int:
    """Patches along one side of the scaled image, at least one."""
    return int(max(PATCH, math.ceil(side * scale / PATCH) * PATCH) / PATCH)


def to_patches(image: Image.Image, max_patches: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """uint8 patches [max_patches, 768], bool mask [max_patches], int32 positions [max_patches, 2]."""
    image = ImageOps.exif_transpose(image).convert("RGB")
    rows, columns = naflex_grid(image.height, image.width, max_patches)
    resized = image.resize((columns * PATCH, rows * PATCH), Image.Resampling.BILINEAR)
    count = rows * columns
    patches = np.zeros((max_patches, PATCH * PATCH * 3), np.uint8)
    patches[:count] = cut(np.asarray(resized))
    mask = np.arange(max_patches) < count
    positions = np.zeros((max_patches, 2), np.int32)
    positions[:count] = grid_positions(rows, columns)
    return patches, mask, positions


def to_pixels(image: Image.Image, side: int = 128) -> np.ndarray:
    """uint8 [3, side, side]: the whole picture, squeezed where it is no square."""
    squeezed = ImageOps.exif_transpose(image).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(squeezed).transpose(2, 0, 1))


def cut(picture: np.ndarray) -> np.ndarray:
    """uint8 RGB [rows * 16, columns * 16, 3] -> [rows * columns, 768], raster order, (y, x, channel)."""
    rows, columns = picture.shape[0] // PATCH, picture.shape[1] // PATCH
    grid = picture.reshape(rows, PATCH, columns, PATCH, 3).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * columns, PATCH * PATCH * 3)


def grid_positions(rows: int, columns: int) -> np.ndarray:
    """int32 [rows * columns, 2]: (row, column) in raster order."""
    return np.stack(np.divmod(np.arange(rows * columns, dtype=np.int32), columns), axis=1)
