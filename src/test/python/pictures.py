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


def generated(width, height):
    """The states of a linear congruential generator, as the Java tests make them: all at once, for
    the state after n steps is a^n s + c (a^(n-1) + … + 1)."""
    count = width * height * 3
    powers = np.cumprod(np.full(count, 1664525, np.uint32), dtype=np.uint32)
    sums = np.cumsum(np.concatenate([[np.uint32(1)], powers[:-1]]), dtype=np.uint32)
    return (powers * np.uint32(width * 31 + height) + sums * np.uint32(1013904223)).reshape(height, width, 3)


def pattern(width, height):
    """The picture that the Java tests make for themselves: the generator's high bits."""
    return (generated(width, height) >> np.uint32(24)).astype(np.uint8)


def marks(width, height):
    """Black and white in every channel, by the generator's highest bit."""
    return np.where(generated(width, height) >> np.uint32(31), 255, 0).astype(np.uint8)
