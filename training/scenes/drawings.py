"""The drawings: fetched as npm packages, verified, rendered from SVG and cropped to what is drawn.

``python -m scenes.drawings`` fetches and renders all of them into the cache.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

from scenes.kinds import Kind, load_kinds

TRAINING = Path(__file__).resolve().parents[1]
CACHE = TRAINING.parent / ".cache" / "training"
DIGESTS = TRAINING / "drawings.sha256"

STYLES = (
    "noto",
    "noto-v1",
    "fxemoji",
    "fluent-emoji",
    "fluent-emoji-flat",
    "fluent-emoji-high-contrast",
    "twemoji",
    "emojione",
    "streamline-emojis",
)
"""The nine open sets whose licences do not ask to share alike."""

HELD_BACK_STYLE = "twemoji"
"""A set by an author of its own that draws nearly every kind: ``pico_cnn`` never sees it, to measure transfer."""

SEEN_STYLES = tuple(style for style in STYLES if style != HELD_BACK_STYLE)
"""What ``pico_cnn`` is trained on."""

SINGLE_COLOUR_STYLES = frozenset({"fluent-emoji-high-contrast"})

TRAINING_SIDE = 128
"""Longest side in pixels of the sprites that training scenes are composed of."""

Sprite = np.ndarray
"""uint8 [height, width, 4], straight (not premultiplied) RGBA, cropped to the drawing."""


@dataclass(frozen=True)
class Drawing:
    """One SVG of one kind in one style."""

    kind: int
    style: str
    slug: str
    body: str
    view_box: tuple[float, float, float, float]

    def render(self, longest_side: int) -> Sprite:
        """The drawing with its longest side at ``longest_side`` pixels, without its empty margin."""
        left, top, width, height = self.view_box
        zoom = 1.0
        for _ in range(2):  # the first rendering tells how much of the box is drawn
            svg = (
                f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'viewBox="{left} {top} {width} {height}" color="#202020">{self.body}</svg>'
            )
            rendered = max(16, round(longest_side * zoom))
            png = resvg_py.svg_to_bytes(
                svg_string=svg,
                width=round(rendered * width / max(width, height)),
                height=round(rendered * height / max(width, height)),
            )
            sprite = _crop(np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGBA")))
            zoom *= longest_side / max(sprite.shape[:2])
            if abs(max(sprite.shape[:2]) - longest_side) <= 1:
                break
        return sprite


def _crop(rgba: np.ndarray) -> Sprite:
    drawn = rgba[..., 3] > 8
    if not drawn.any():
        raise ValueError("an empty drawing")
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    return np.ascontiguousarray(rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


@cache
def load_drawings() -> tuple[Drawing, ...]:
    """Every drawing of every kind, in the order of kinds and styles; equal bodies once."""
    collections = {style: _collection(style) for style in STYLES}
    drawings: list[Drawing] = []
    for kind in load_kinds():
        for style in STYLES:
            if style not in kind.not_in:
                drawings.extend(_drawings_of(kind, style, collections[style]))
    return tuple(drawings)


def _drawings_of(kind: Kind, style: str, collection: dict) -> Iterator[Drawing]:
    seen: set[str] = set()
    for slug in kind.slugs:
        if f"{style}/{slug}" in kind.not_in:
            continue
        icon = _resolve(collection, slug)
        if icon is None or icon["body"] in seen:
            continue
        seen.add(icon["body"])
        box = tuple(
            float(icon.get(key, collection.get(key, default)))
            for key, default in (("left", 0), ("top", 0), ("width", 16), ("height", 16))
        )
        yield Drawing(kind.index, style, slug, icon["body"], box)


def _resolve(collection: dict, slug: str) -> dict | None:
    if slug in collection["icons"]:
        return collection["icons"][slug]
    alias = collection.get("aliases", {}).get(slug)
    return _resolve(collection, alias["parent"]) if alias else None


@cache
def _collection(style: str) -> dict:
    with tarfile.open(_package(style)) as package:
        return json.load(package.extractfile("package/icons.json"))


@cache
def package_information(style: str) -> dict:
    """``info.json`` of a set (author, licence) and its package version under ``package``."""
    with tarfile.open(_package(style)) as package:
        information = json.load(package.extractfile("package/info.json"))
        information["package"] = json.load(package.extractfile("package/package.json"))["version"]
    return information


def _package(style: str) -> Path:
    """The set's archive in the cache; fetched when missing, always as the committed digest says."""
    for line in DIGESTS.read_text().splitlines():
        digest, name = line.split()
        stem, version = name.removesuffix(".tgz").rsplit("-", 1)
        if stem == f"iconify-json-{style}":
            break
    else:
        raise ValueError(f"{DIGESTS.name} names no version of {style}")
    archive = CACHE / "drawings" / name
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "pack", "--silent", f"@iconify-json/{style}@{version}"],
            cwd=archive.parent,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != digest:
        raise ValueError(f"{name}: SHA-256 {found} (expected: {digest})")
    return archive


@lru_cache(maxsize=512)
def sprite(drawing: Drawing, longest_side: int) -> Sprite:
    """A rendered drawing; recent ones are kept."""
    return drawing.render(longest_side)


@cache
def training_sprites() -> list[Sprite]:
    """One sprite of ``TRAINING_SIDE`` for each of ``load_drawings()``, rendered once and then mapped."""
    drawings = load_drawings()
    key = hashlib.sha256(
        "".join(f"{d.style}{d.slug}{d.body}" for d in drawings).encode() + str(TRAINING_SIDE).encode()
    ).hexdigest()[:16]
    pixels_file = CACHE / f"sprites-{key}.npy"
    shapes_file = CACHE / f"sprites-{key}-shapes.npy"
    if not shapes_file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        sprites = [drawing.render(TRAINING_SIDE) for drawing in drawings]
        np.save(pixels_file, np.concatenate([s.reshape(-1) for s in sprites]))
        np.save(shapes_file, np.array([s.shape for s in sprites]))
    pixels = np.load(pixels_file, mmap_mode="r")
    shapes = np.load(shapes_file)
    ends = np.cumsum(shapes.prod(1))
    return [
        pixels[end - size : end].reshape(shape)
        for end, size, shape in zip(ends, shapes.prod(1), shapes, strict=True)
    ]


def main() -> None:
    kinds, drawings = load_kinds(), load_drawings()
    styles_of = {kind.index: {d.style for d in drawings if d.kind == kind.index} for kind in kinds}
    for kind in kinds:
        if len(styles_of[kind.index]) < 5:
            print(f"few styles: {kind.name}: {', '.join(sorted(styles_of[kind.index])) or 'none'}")
    training_sprites()
    print(f"{len(kinds)} kinds, {len(drawings)} drawings in {len(STYLES)} styles")


if __name__ == "__main__":
    main()
