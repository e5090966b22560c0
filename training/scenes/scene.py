"""What is in a scene: the ground truth that pictures, captions and questions are made from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from scenes.colours import COLOURS
from scenes.drawings import SINGLE_COLOUR_STYLES, STYLES, Drawing, load_drawings, training_sprites
from scenes.kinds import load_kinds


@dataclass(frozen=True)
class Thing:
    """One drawing placed in a scene."""

    kind: int
    drawing: int
    """Index into ``load_drawings()``."""
    x: float
    y: float
    """Centre, as fractions of the scene's width and height."""
    size: float
    """Longest side as a fraction of the scene's shorter side."""
    angle: float
    """Degrees, counter-clockwise."""
    flipped: bool
    colour: str | None
    """Name of the colour it was painted with; None when it has its own colours."""
    manner: str = "plain"
    """How it is drawn: plain, grey, lines, posterised, shifted (hue)."""
    seed: int = 0
    """Of the small random choices of its rendering."""
    depth: float | None = None
    """0 (nearest) to 1 (the horizon) where it stands on a ground in perspective."""

    @property
    def distance(self) -> float:
        """Its relative depth; without a ground in perspective, what is larger is nearer."""
        return max(0.0, 1.0 - self.size) if self.depth is None else self.depth


@dataclass(frozen=True)
class Background:
    """What is behind the things."""

    pattern: str
    """flat, gradient, texture, blobs, stripes, checks, or ground (sky and ground)."""
    colour: str
    """Name of its main colour."""
    second: str
    """Name of its second colour (equal to the first where there is one only)."""
    seed: int
    horizon: float | None = None
    """Of a ground in perspective: where it ends, as a fraction of the height from the top."""


@dataclass(frozen=True)
class Scene:
    """A scene, independent of the size it is rendered in."""

    aspect: float
    """Width by height."""
    background: Background
    things: tuple[Thing, ...]
    damaged: bool
    """Whether photographic damage is applied after rendering."""
    seed: int

    def kinds(self) -> list[int]:
        """Indices of the kinds in it, each once, in order of appearance."""
        return list(dict.fromkeys(thing.kind for thing in self.things))


@dataclass(frozen=True)
class Recipe:
    """Which scenes are drawn: the difficulty of a part of training or of an examination."""

    things: dict[int, float] = field(default_factory=lambda: {1: 0.35, 2: 0.35, 3: 0.25, 4: 0.05})
    """Probability of each number of things."""
    smallest: float = 0.28
    largest: float = 0.95
    """Range of sizes for one thing alone; more things are smaller."""
    painted: float = 0.25
    """Probability that a thing is painted in a named colour."""
    restyled: float = 0.25
    """Probability that a thing is drawn in another manner than its own."""
    repeated: float = 0.15
    """Probability that one kind comes two or three times (when several things are drawn)."""
    tilted: float = 0.4
    """Probability of a rotation of up to 25 degrees."""
    plain_background: float = 0.35
    """Probability of a flat background."""
    damaged: float = 0.5
    perspective: float = 0.0
    """Probability of a ground in perspective, on which farther things are smaller and higher."""


EASY = Recipe(things={1: 1.0}, smallest=0.7, largest=0.98, painted=0.1, restyled=0.08, tilted=0.2,
              plain_background=0.6, damaged=0.2)
"""Single large things: what made learning start."""
MIXED = Recipe()
"""What the models must handle."""
CROWDED = Recipe(things={1: 0.2, 2: 0.26, 3: 0.24, 4: 0.2, 5: 0.06, 6: 0.04}, painted=0.3, restyled=0.18,
                 repeated=0.25, perspective=0.18)
"""What an encoder that knows the kinds learns to find several of them in."""
ONE_THING = Recipe(things={1: 1.0}, smallest=0.4, largest=0.95, painted=0.15, restyled=0.0, repeated=0.0)
"""The zero-shot examination."""
SOME_THINGS = Recipe(things={1: 0.34, 2: 0.33, 3: 0.33}, restyled=0.0, damaged=0.5)
"""The retrieval examination."""
READING = Recipe(things={1: 0.3, 2: 0.3, 3: 0.22, 4: 0.1, 5: 0.05, 6: 0.03}, painted=0.35, restyled=0.1,
                 repeated=0.35, damaged=0.4, perspective=0.3)
"""What the decoder and the heads for depth and emotion learn to read."""
SIMPLE_READING = Recipe(things={1: 0.75, 2: 0.25}, smallest=0.5, painted=0.25, restyled=0.05, repeated=0.5,
                        tilted=0.2, plain_background=0.5, damaged=0.2)
"""How they begin."""
TO_READ = Recipe(things={1: 0.25, 2: 0.25, 3: 0.25, 4: 0.25}, painted=0.35, restyled=0.0, repeated=0.35,
                 damaged=0.5, perspective=0.2)
"""The examination of captions and answers."""
DEEP = Recipe(things={2: 0.4, 3: 0.35, 4: 0.25}, restyled=0.0, repeated=0.0, damaged=0.4, perspective=1.0)
"""The examination of depth."""


class SceneSampler:
    """Draws scenes of drawings of some styles; all its choices come from the generator it is given."""

    def __init__(self, recipe: Recipe, styles: Collection[str] = STYLES) -> None:
        self.recipe = recipe
        kinds = load_kinds()
        self.drawings = load_drawings()
        self.of_kind: list[list[int]] = [[] for _ in kinds]
        for index, drawing in enumerate(self.drawings):
            if drawing.style in styles:
                self.of_kind[drawing.kind].append(index)
        self.kinds = [kind for kind, drawn in enumerate(self.of_kind) if drawn]

    def sample(self, rng: np.random.Generator, aspect: float = 1.0, first_kind: int | None = None) -> Scene:
        """One scene; ``first_kind`` fixes the kind of its first thing."""
        recipe = self.recipe
        if recipe.perspective and rng.random() < recipe.perspective:
            return self._in_perspective(rng, aspect, first_kind)
        background = self._background(rng)
        count = int(rng.choice(list(recipe.things), p=_normalised(list(recipe.things.values()))))
        kinds = self._kinds(rng, count, first_kind)
        things: list[Thing] = []
        for kind in kinds:
            things.append(self._place(rng, kind, things, count, aspect, background))
        return Scene(
            aspect=aspect,
            background=background,
            things=tuple(things),
            damaged=bool(rng.random() < recipe.damaged),
            seed=int(rng.integers(2**31)),
        )

    def _in_perspective(self, rng: np.random.Generator, aspect: float, first_kind: int | None) -> Scene:
        """Upright things of one natural size on a ground, the farthest first."""
        recipe = self.recipe
        horizon = float(rng.uniform(0.3, 0.55))
        background = Background(
            "ground", str(rng.choice(["blue", "grey", "orange", "pink"])),
            str(rng.choice(["green", "brown", "yellow", "grey"])), int(rng.integers(2**31)), horizon,
        )
        count = min(4, int(rng.choice(list(recipe.things), p=_normalised(list(recipe.things.values())))))
        natural = float(rng.uniform(0.6, 0.8) if count < 3 else rng.uniform(0.45, 0.6))
        depths = sorted((float(d) for d in rng.uniform(0.0, 0.65, count)), reverse=True)
        things: list[Thing] = []
        for kind, depth in zip(self._kinds(rng, count, first_kind), depths, strict=True):
            drawing = int(rng.choice(self.of_kind[kind]))
            rows, columns = training_sprites()[drawing].shape[:2]
            size = natural * (1 - depth)
            tall = size * rows / max(rows, columns) / max(1 / aspect, 1.0)
            tries = [_within(rng, size * 0.42 / max(aspect, 1.0)) for _ in range(12)]
            x = max(tries, key=lambda x: min((abs(x - other.x) for other in things), default=1.0))
            things.append(Thing(
                kind=kind, drawing=drawing, x=x, y=foot(depth, horizon) - tall / 2, size=size, angle=0.0,
                flipped=bool(rng.random() < 0.4), colour=self._colour(rng, self.drawings[drawing], background),
                seed=int(rng.integers(2**31)), depth=depth,
            ))
        damaged = bool(rng.random() < recipe.damaged)
        return Scene(aspect, background, tuple(things), damaged, int(rng.integers(2**31)))

    def _kinds(self, rng: np.random.Generator, count: int, first: int | None) -> list[int]:
        kinds = [self.kinds[rng.integers(len(self.kinds))] if first is None else first]
        repeats = count > 1 and rng.random() < self.recipe.repeated
        while len(kinds) < count:
            kind = kinds[0] if repeats else self.kinds[rng.integers(len(self.kinds))]
            if repeats or kind not in kinds:
                kinds.append(kind)
            repeats = repeats and rng.random() < 0.5
        return kinds

    def _place(
        self,
        rng: np.random.Generator,
        kind: int,
        others: list[Thing],
        count: int,
        aspect: float,
        background: Background,
    ) -> Thing:
        recipe = self.recipe
        drawing = int(rng.choice(self.of_kind[kind]))
        room = min(1.0, 1.05 * np.sqrt(max(aspect, 1 / aspect)) / np.sqrt(count)) if count > 1 else 1.0
        size = float(rng.uniform(recipe.smallest, recipe.largest) * room)
        size = max(size, min(0.24, recipe.smallest))
        width, height = max(aspect, 1.0), max(1 / aspect, 1.0)  # in shorter sides
        best, least = (0.5, 0.5), np.inf
        for _ in range(12):
            x = _within(rng, size * 0.42 / width)
            y = _within(rng, size * 0.42 / height)
            overlap = max((_overlap(x * width, y * height, size, o, width, height) for o in others), default=0.0)
            if overlap < least:
                best, least = (x, y), overlap
            if overlap < 0.12:
                break
        style = self.drawings[drawing]
        return Thing(
            kind=kind,
            drawing=drawing,
            x=best[0],
            y=best[1],
            size=size,
            angle=float(rng.uniform(-25, 25)) if rng.random() < recipe.tilted else 0.0,
            flipped=bool(rng.random() < 0.4),
            colour=self._colour(rng, style, background),
            manner=str(rng.choice(["grey", "lines", "posterised", "shifted"]))
            if rng.random() < recipe.restyled
            else "plain",
            seed=int(rng.integers(2**31)),
        )

    def _colour(self, rng: np.random.Generator, drawing: Drawing, background: Background) -> str | None:
        if drawing.style not in SINGLE_COLOUR_STYLES and rng.random() >= self.recipe.painted:
            return None
        seen = [name for name in COLOURS if name not in (background.colour, background.second)]
        return str(rng.choice(seen))

    def _background(self, rng: np.random.Generator) -> Background:
        flat = rng.random() < self.recipe.plain_background
        patterns = ["gradient", "texture", "blobs", "stripes", "checks", "ground"]
        pattern = "flat" if flat else str(rng.choice(patterns, p=[0.25, 0.2, 0.15, 0.1, 0.1, 0.2]))
        colours = list(COLOURS)
        first = "white" if rng.random() < 0.25 else str(rng.choice(colours))
        if pattern == "ground":
            first = str(rng.choice(["blue", "grey", "orange", "pink"]))
            second = str(rng.choice(["green", "brown", "yellow", "grey"]))
        else:
            second = first if pattern in ("flat", "texture") else str(rng.choice(colours))
        return Background(pattern, first, second, int(rng.integers(2**31)))


def foot(depth: float, horizon: float) -> float:
    """Where something at a depth touches the ground, as a fraction of the height from the top."""
    return horizon + (1 - horizon) * 0.97 * (1 - depth)


def _within(rng: np.random.Generator, margin: float) -> float:
    """A fraction that keeps a margin from both ends (the middle where there is no room)."""
    return float(rng.uniform(margin, 1 - margin)) if margin < 0.5 else 0.5


def _overlap(x: float, y: float, size: float, other: Thing, width: float, height: float) -> float:
    """Share of the smaller of two squares that the other covers; all in shorter sides."""
    reach = 0.9 * (size + other.size) / 2
    dx = reach - abs(x - other.x * width)
    dy = reach - abs(y - other.y * height)
    return max(dx, 0.0) * max(dy, 0.0) / min(size, other.size) ** 2


def _normalised(weights: list[float]) -> np.ndarray:
    return np.array(weights) / np.sum(weights)
