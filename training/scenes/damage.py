"""What happens to pictures on their way: blur, noise, JPEG, light, grey, a turn of all hues."""

from __future__ import annotations

import cv2
import numpy as np


def damage(picture: np.ndarray, rng: np.random.Generator, keep_hue: bool) -> np.ndarray:
    """A damaged copy of uint8 RGB [h, w, 3], in proportion to its size. ``keep_hue``: colours stay nameable."""
    side = min(picture.shape[:2])
    if rng.random() < 0.35:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.1)) * max(1.0, side / 128))
    if rng.random() < 0.3:
        gain, lift = rng.uniform(0.65, 1.3), rng.uniform(-30, 30)
        picture = np.clip(picture * np.float32(gain) + np.float32(lift), 0, 255).astype(np.uint8)
    if not keep_hue and rng.random() < 0.2:
        picture = _turned(picture, rng)
    if not keep_hue and rng.random() < 0.08:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.3:
        grain = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(2, 14))
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = int(rng.integers(35, 90))
        _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = cv2.imdecode(code, cv2.IMREAD_COLOR)
    return picture


def _turned(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + int(rng.integers(-25, 26))) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * np.float32(rng.uniform(0.4, 1.3)), 0, 255).astype(np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
