"""Pictures made of integers alone, so that every machine makes the same bytes."""

import numpy as np


def photo(width, height, channels=3, seed=1):
    """Smooth shades with noise and an edge: something for every part of a codec to do."""
    noise = np.random.RandomState(seed).randint(-24, 25, (height, width, channels))
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    shade = (x * (3 + c) * 2 + y * (7 - 2 * c) + (x * y >> 3)) % 511
    shade = np.where(shade > 255, 510 - shade, shade)
    edge = np.where((x - width // 2) ** 2 + (y - height // 3) ** 2 < (width // 4) ** 2, 90, 0)
    return np.clip(shade + noise + edge, 0, 255).astype(np.uint8)


def pattern(width, height):
    """The picture that the Java tests make for themselves, pixel by pixel:
    a linear congruential generator, its high bits."""
    state = np.uint32(width * 31 + height)
    values = np.empty(width * height * 3, np.uint8)
    with np.errstate(over="ignore"):
        for i in range(values.size):
            state = state * np.uint32(1664525) + np.uint32(1013904223)
            values[i] = state >> np.uint32(24)
    return values.reshape(height, width, 3)
