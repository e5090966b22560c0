"""Captions of scenes in many wordings, and the prompts that name a kind."""

from __future__ import annotations

import numpy as np

from scenes.kinds import SAYABLE_CATEGORIES, Kind, load_kinds, with_article
from scenes.scene import Scene, Thing

PROMPTS = (
    "{}",
    "a picture of {}",
    "an image of {}",
    "a drawing of {}",
    "a photo of {}",
    "this is {}",
    "there is {} in the picture",
    "{} in a scene",
    "an icon of {}",
    "it shows {}",
)
"""Wordings around a label; the first few are the shipped hypothesis templates."""

HYPOTHESIS_TEMPLATES = ("a picture of {}", "an image of {}", "{}", "a drawing of {}")
"""Written to the model's ``config.json``."""

HELD_BACK_PROMPTS = ("can you see {} here", "what we look at is {}", "my favourite thing, {}")
"""Never trained on; for the measure of unseen wordings."""

_OPENINGS = ("", "", "", "a picture of ", "an image of ", "a scene with ", "here we have ", "we see ", "a drawing of ",
             "here is ", "a photo of ", "it shows ")
_JOINTS = (" and ", " and ", " with ", " next to ", " beside ", ", ")
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
"""The counts that have a word here."""
_PATTERNS = {
    "flat": ("a {0} background", "plain {0}", "{0}"),
    "texture": ("a rough {0} background", "{0} texture", "{0}"),
    "gradient": ("a background from {0} to {1}", "a {0} and {1} gradient"),
    "stripes": ("{0} and {1} stripes", "a striped background"),
    "checks": ("{0} and {1} squares", "a chequered background"),
    "blobs": ("a {0} and {1} background", "blurred {0} and {1}"),
    "ground": ("{1} ground under a {0} sky", "{1} ground"),
}


def prompt(kind: Kind, rng: np.random.Generator) -> str:
    """One way of naming a kind: its name or a synonym, with or without its article, in some wording."""
    word = kind.name if rng.random() < 0.6 or not kind.synonyms else str(rng.choice(kind.synonyms))
    phrase = word if rng.random() < 0.3 else kind.noun_phrase(word)
    return str(rng.choice(PROMPTS)).format(phrase)


def plain_prompts(template: str = HYPOTHESIS_TEMPLATES[0]) -> list[str]:
    """Each kind's name in one template, in the order of kinds: the label prompts of examinations."""
    return [template.format(kind.noun_phrase()) for kind in load_kinds()]


def caption(scene: Scene, rng: np.random.Generator, detailed: float = 0.5) -> str:
    """One true caption. ``detailed`` is the probability of saying more than which things there are."""
    opening = str(rng.choice(_OPENINGS))
    more = rng.random() < detailed
    groups = groups_of(scene)
    if len(groups) == 2 and all(len(g) == 1 for g in groups) and more and rng.random() < 0.6:
        text = _related(groups[0][0], groups[1][0], scene, rng)
    else:
        order = rng.permutation(len(groups))
        phrases = [_phrase(groups[i], rng, more) for i in order]
        text = _joined(phrases, rng)
    if len(groups) == 1 and len(groups[0]) == 1 and more and rng.random() < 0.3:
        text += place_of(groups[0][0])
    if rng.random() < (0.35 if more else 0.1):
        pattern = str(rng.choice(_PATTERNS[scene.background.pattern]))
        text += " on " + pattern.format(scene.background.colour, scene.background.second)
    return opening + text


def groups_of(scene: Scene) -> list[list[Thing]]:
    """The things of a scene, those of one kind together."""
    return [[t for t in scene.things if t.kind == kind] for kind in scene.kinds()]


def _phrase(group: list[Thing], rng: np.random.Generator, more: bool) -> str:
    kind = load_kinds()[group[0].kind]
    colours = {thing.colour for thing in group}
    colour = f"{group[0].colour} " if len(colours) == 1 and group[0].colour and rng.random() < 0.75 else ""
    if len(group) > 1 and kind.countable:
        return f"{NUMBERS[len(group)]} {colour}{kind.plural}"
    if rng.random() < 0.03:
        return _with_category(kind)
    word = kind.name if rng.random() < 0.75 or not kind.synonyms else str(rng.choice(kind.synonyms))
    size = ""
    if more and rng.random() < 0.25:
        size = "big " if group[0].size > 0.7 else "small " if group[0].size < 0.35 else ""
    noun = f"{size}{colour}{word}"
    return with_article(noun) if kind.countable else noun


def _with_category(kind: Kind) -> str:
    """Category words, where the category is a thing one would say."""
    return with_article(kind.category) if kind.category in SAYABLE_CATEGORIES else kind.noun_phrase()


def _joined(phrases: list[str], rng: np.random.Generator) -> str:
    if len(phrases) == 1:
        return phrases[0]
    if len(phrases) == 2:
        return phrases[0] + str(rng.choice(_JOINTS)) + phrases[1]
    return ", ".join(phrases[:-1]) + (", and " if rng.random() < 0.3 else " and ") + phrases[-1]


def _related(one: Thing, other: Thing, scene: Scene, rng: np.random.Generator) -> str:
    """``a cat to the left of a car``: the clearer of the two directions."""
    if rng.random() < 0.5:
        one, other = other, one
    dx, dy = (one.x - other.x) * scene.aspect, one.y - other.y
    if abs(dx) > abs(dy):
        words = ("left of", "to the left of") if dx < 0 else ("right of", "to the right of")
    else:
        words = ("above", "over") if dy < 0 else ("below", "under")
    return f"{_phrase([one], rng, False)} {rng.choice(words)} {_phrase([other], rng, False)}"


def place_of(thing: Thing) -> str:
    """Where it is: `` on the left``, `` at the bottom right``, `` in the middle``."""
    across = "left" if thing.x < 0.36 else "right" if thing.x > 0.64 else ""
    down = "top" if thing.y < 0.36 else "bottom" if thing.y > 0.64 else ""
    if across and down:
        return f" at the {down} {across}"
    if across or down:
        return f" at the {across or down}" if down else f" on the {across}"
    return " in the middle"


def brief(scene: Scene, rng: np.random.Generator) -> str:
    """Every thing in a few words, from left to right, counted, with the colour it was painted in."""
    opening = str(rng.choice(_BRIEF_OPENINGS)) if rng.random() < 0.2 else ""
    return opening + listed([counted(group, rng) for group in left_to_right(scene)])


def detailed(scene: Scene, rng: np.random.Generator) -> str:
    """What a picture shows and where: things with places or a relation, then the background."""
    groups = left_to_right(scene)
    if len(groups) == 2 and all(len(group) == 1 for group in groups):
        one, other = groups[0][0], groups[1][0]
        words = relation(one, other, scene)
        text = f"{counted(groups[0], rng)} {words} {counted(groups[1], rng)}" if words else ""
    else:
        text = ""
    if not text:
        phrases = [counted(group, rng) + (place_of(group[0]) if len(group) == 1 else "") for group in groups]
        text = listed(phrases)
    pattern = _PATTERNS[scene.background.pattern][0].replace("a {0}", "{2}")
    colour, second = scene.background.colour, scene.background.second
    return f"{text}, on " + pattern.format(colour, second, with_article(colour))


_BRIEF_OPENINGS = ("a picture of ", "an image of ", "a drawing of ", "here is ", "it shows ")


def left_to_right(scene: Scene) -> list[list[Thing]]:
    """The things in the order in which captions name them: those of one kind together, by their mean place."""
    return sorted(groups_of(scene), key=lambda group: sum(thing.x for thing in group) / len(group))


def counted(group: list[Thing], rng: np.random.Generator, coloured: bool = True, canonical: float = 0.94) -> str:
    """``two red apples``: number, common colour if it was painted, and mostly the name rather than a synonym."""
    kind = load_kinds()[group[0].kind]
    colour = f"{common_colour(group)} " if coloured and common_colour(group) else ""
    if len(group) > 1 and kind.countable:
        return f"{NUMBERS[len(group)]} {colour}{kind.plural}"
    word = kind.name if rng.random() < canonical or not kind.synonyms else str(rng.choice(kind.synonyms))
    return with_article(f"{colour}{word}") if kind.countable else f"{colour}{word}"


def common_colour(group: list[Thing]) -> str | None:
    """The one colour that all of them are painted in."""
    colours = {thing.colour for thing in group}
    return group[0].colour if len(colours) == 1 else None


def listed(phrases: list[str]) -> str:
    """``a cat``, ``a cat and a dog``, ``a cat, a dog and an owl``."""
    return phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]


def relation(one: Thing, other: Thing, scene: Scene) -> str | None:
    """How the first stands to the second where that is clear. Nothing is above another on a ground in perspective."""
    dx, dy = (one.x - other.x) * max(scene.aspect, 1.0), (one.y - other.y) * max(1 / scene.aspect, 1.0)
    if abs(dx) > 0.15 and abs(dx) > 1.3 * abs(dy):
        return "to the left of" if dx < 0 else "to the right of"
    if abs(dy) > 0.15 and abs(dy) > 1.3 * abs(dx) and scene.background.horizon is None:
        return "above" if dy < 0 else "below"
    return None
