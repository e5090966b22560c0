"""Writes the scenes of the examination as files, with what is true of them, for ``./fovea eval``.

``python -m pico.sheets --out FOLDER --count N`` writes N scenes of every set:

- ``world.json``: the kinds and how they are said, templates, the categories a moderator asks for, emotions;
- ``sheets.jsonl``: a line a picture: its file and set, the things in it, a caption, questions with answers, pairs
  of things whose order by depth is sure (some points of each, as fractions of width and height), the emotion of its
  face;
- ``SET/N.jpg`` or ``.png``.

``known`` and ``held-back`` hold scenes of one thing in the styles that ``pico_cnn`` saw, and in the one it did not.
The set ``nothing`` holds flat, graded and noisy pictures, ``photos`` copies of the files of ``--photos FOLDER``: what
the models do not know, and should say so.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from pico.exam import SET_STYLES, SETS, Sheet, each_sheet
from scenes.captions import HYPOTHESIS_TEMPLATES, common_colour, groups_of
from scenes.colours import COLOURS
from scenes.compose import compose, shared_small_sprites
from scenes.drawings import HELD_BACK_STYLE, package_information
from scenes.kinds import EMOTIONS, load_kinds
from scenes.questions import WORDINGS, ask_about, emotion_of, has_face
from scenes.scene import Scene

EXAMINED = [name for name in SETS if not name.startswith("calibration")]
MODERATED = ("weapon", "alcohol", "tobacco", "gambling", "drug", "death", "adult")
"""Categories of kinds that a moderator asks for."""

NOTHING = 60
"""Pictures without anything in them."""

CLEAR = 0.1
"""Least difference of depth between two things whose order is asked for."""

POINTS = 15
"""Of each thing, taken at random among its pixels that are seen."""

SMALL = 128
"""Longest side of the maps that points are taken from."""

LEAST_SEEN = 100
"""Pixels of such a map that a thing must show."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200, help="scenes of every set")
    parser.add_argument("--styles", type=int, help="scenes of known and of held-back, where it is not --count")
    parser.add_argument("--sets", nargs="*", default=EXAMINED, choices=EXAMINED)
    parser.add_argument("--photos", type=Path, help="a folder of photographs")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "world.json").write_text(json.dumps(world(), indent=1) + "\n")
    with (options.out / "sheets.jsonl").open("w") as file:
        for name in options.sets:
            count = options.styles if options.styles and name in SET_STYLES else options.count
            for line in written(name, count, options.out):
                file.write(json.dumps(line) + "\n")
        for line in [*nothing(options.out), *photos(options.photos, options.out)]:
            file.write(json.dumps(line) + "\n")


def world() -> dict:
    """What can be in a picture, and the words for it."""
    return {
        "templates": list(HYPOTHESIS_TEMPLATES),
        "kinds": [
            {
                "name": kind.name, "phrase": kind.noun_phrase(), "plural": kind.plural, "synonyms": list(kind.synonyms),
                "category": kind.category, "countable": kind.countable,
            }
            for kind in load_kinds()
        ],
        "colours": list(COLOURS),
        "moderated": list(MODERATED),
        "emotions": [*EMOTIONS, "none"],
        "unseen": {"style": package_information(HELD_BACK_STYLE)["name"], "by": ["pico_cnn"]},
    }


def written(name: str, count: int, out: Path) -> Iterator[dict]:
    """Writes the pictures of a set, and tells what is true of each."""
    for index, sheet in enumerate(each_sheet(name, count)):
        rng = np.random.default_rng((SETS[name][0], index, 1))
        file = Path(name) / f"{index:05}.{'png' if rng.random() < 0.3 else 'jpg'}"
        save(sheet.image, out / file)
        yield {"file": str(file), "set": name, **truth(sheet, rng)}


def truth(sheet: Sheet, rng: np.random.Generator) -> dict:
    """What is true of a picture."""
    scene = sheet.scene
    asked = [ask_about(kind, scene, rng) for kind in WORDINGS]
    return {
        "things": [
            {"kind": load_kinds()[group[0].kind].name, "number": len(group), "colour": common_colour(group)}
            for group in groups_of(scene)
        ],
        "caption": sheet.caption,
        "questions": [{"kind": t.kind, "question": t.question, "answer": t.answer} for t in asked if t is not None],
        "order": order(scene, rng),
        "emotion": emotion_of(scene) if has_face(scene) else "none",
    }


def order(scene: Scene, rng: np.random.Generator) -> list[dict]:
    """Points of the nearer and of the farther thing, for each pair whose order is sure."""
    if scene.background.horizon is None:
        return []
    width, height = round(SMALL * min(1, scene.aspect)), round(SMALL * min(1, 1 / scene.aspect))
    _, owners = compose(scene, width, height, shared_small_sprites())
    pairs = []
    for one, other in combinations(range(len(scene.things)), 2):
        near, far = sorted((one, other), key=lambda index: scene.things[index].distance)
        sure = scene.things[far].distance - scene.things[near].distance >= CLEAR
        if sure and min((owners == near).sum(), (owners == far).sum()) >= LEAST_SEEN:
            pairs.append({"near": points(owners == near, rng), "far": points(owners == far, rng)})
    return pairs


def points(mask: np.ndarray, rng: np.random.Generator) -> list[list[float]]:
    """Some pixels of a mask, as fractions of its width and height."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    chosen = rng.integers(len(rows), size=POINTS)
    return [[round((columns[i] + 0.5) / width, 4), round((rows[i] + 0.5) / height, 4)] for i in chosen.tolist()]


def nothing(out: Path) -> Iterator[dict]:
    """Flat, graded and noisy pictures in turn."""
    for index in range(NOTHING):
        rng = np.random.default_rng((91_100, index))
        one, other = rng.integers(256, size=(2, 3))
        slope = np.linspace(0, 1, 256)[None, :, None]
        flat = np.broadcast_to(one, (256, 256, 3))
        graded = np.broadcast_to(one * (1 - slope) + other * slope, (256, 256, 3))
        picture = (flat, graded, rng.integers(256, size=(256, 256, 3)))[index % 3]
        file = Path("nothing") / f"{index:05}.png"
        save(Image.fromarray(picture.astype(np.uint8)), out / file)
        yield {"file": str(file), "set": "nothing"}


def photos(folder: Path | None, out: Path) -> Iterator[dict]:
    """The photographs of a folder, no side longer than 1,024 pixels."""
    files = sorted(folder.iterdir()) if folder else []
    for index, source in enumerate(files):
        image = Image.open(source).convert("RGB")
        image.thumbnail((1024, 1024))
        file = Path("photos") / f"{index:05}.jpg"
        save(image, out / file)
        yield {"file": str(file), "set": "photos", "caption": source.stem}


def save(image: Image.Image, file: Path) -> None:
    """Writes a picture in the format of its name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image.convert("RGB").save(file, **({"quality": 92} if file.suffix == ".jpg" else {"compress_level": 1}))


if __name__ == "__main__":
    main()
