"""Copies the photographs that scikit-image, scikit-learn and matplotlib carry into a folder, all freely licensed (their
``README.txt`` beside them): ``gather.py FOLDER``. Nothing of the packages is imported."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

PHOTOGRAPHS = {
    "skimage": ("data", (
        "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png",
        "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "microaneurysms.png", "moon.png",
        "motorcycle_left.png", "motorcycle_right.png", "page.png", "retina.jpg", "rocket.jpg", "text.png",
    )),
    "sklearn": ("datasets/images", ("china.jpg", "flower.jpg")),
    "matplotlib": ("mpl-data/sample_data", ("grace_hopper.jpg",)),
}
FACES = range(0, 100, 9)
"""Of the hundred faces at the beginning of scikit-image's ``lfw_subset.npy``, 25x25 pixels each."""


def package(name: str) -> Path:
    """The folder of an installed package."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{name}: not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, (folder, files) in PHOTOGRAPHS.items():
        for file in files:
            shutil.copyfile(package(name) / folder / file, out / file)
    faces = np.load(package("skimage") / "data" / "lfw_subset.npy")
    for index in FACES:
        levels = (255 * faces[index] / faces[index].max()).astype(np.uint8)
        face = Image.fromarray(levels).resize((200, 200), Image.Resampling.BICUBIC)
        face.save(out / f"face-{index:02}.png")


if __name__ == "__main__":
    main()
