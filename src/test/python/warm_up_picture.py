"""Writes the picture that a server warms itself up with: src/main/resources/warm-up.jpg, a colour ramp of 160x120 pixels."""

from pathlib import Path

import numpy as np
from PIL import Image

OUT = Path(__file__).parents[2] / "main" / "resources" / "warm-up.jpg"


def main() -> None:
    y, x = np.mgrid[0:120, 0:160]
    ramp = np.stack([x * 255 // 159, y * 255 // 119, (x + y) * 255 // 278], axis=-1)
    Image.fromarray(ramp.astype(np.uint8)).save(OUT, quality=80)
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
