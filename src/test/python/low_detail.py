"""Measures what detail LOW costs: images reduced while they are decoded, then resized to 224, beside the same without
the reduction. Prints a table. The decoder's own bytes are held against Pillow's `draft` by a test."""

import io

import numpy as np
from PIL import Image

from pictures import photo

SIDE = 224


def saved(image, subsampling):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=90, subsampling=subsampling)
    return buffer


def screen(width, height):
    """Thin lines and text-like blocks: the worst case."""
    y, x = np.mgrid[0:height, 0:width]
    grey = np.where((x // 3 + y // 7) % 2 == 0, 250, 20) + np.where(y % 16 < 2, -10, 0)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, 2)


def main():
    print("| image | sampling | reduced by | mean difference | 99.9 % | largest |")
    print("|---|---|---|---|---|---|")
    for kind, draw in (("photo", photo), ("lines", screen)):
        for width, height in ((640, 480), (1280, 960), (1920, 1080), (4032, 3024)):
            for subsampling, name in ((0, "4:4:4"), (2, "4:2:0")):
                row(f"{kind} {width}×{height}", name, saved(draw(width, height), subsampling))


def row(kind, sampling, file):
    whole = Image.open(file).convert("RGB")
    denominator = max(d for d in (1, 2, 4, 8) if -(-whole.width // d) >= 2 * SIDE and -(-whole.height // d) >= 2 * SIDE)
    reduced = Image.open(file)
    reduced.draft("RGB", (whole.width // denominator, whole.height // denominator))
    exact, fast = (np.asarray(i.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.int16)
                   for i in (whole, reduced))
    off = np.abs(exact - fast)
    print(f"| {kind} | {sampling} | {denominator} | {off.mean():.3f} | {np.quantile(off, .999):.0f} | {off.max()} |")


if __name__ == "__main__":
    main()
