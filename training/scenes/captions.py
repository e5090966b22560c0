"""Captions of scenes in many wordings, and the prompts that name a kind."""

from __future__ import annotations

import numpy as np

from scenes.kinds import Kind, load_kinds, with_article
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
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
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
    groups = _groups(scene)
    if len(groups) == 2 and all(len(g) == 1 for g in groups) and more and rng.random() < 0.6:
        text = _related(groups[0][0], groups[1][0], scene, rng)
    else:
        order = rng.permutation(len(groups))
        phrases = [_phrase(groups[i], rng, more) for i in order]
        text = _joined(phrases, rng)
    if len(groups) == 1 and len(groups[0]) == 1 and more and rng.random() < 0.3:
        text += _place(groups[0][0])
    if rng.random() < (0.35 if more else 0.1):
        pattern = str(rng.choice(_PATTERNS[scene.background.pattern]))
        text += " on " + pattern.format(scene.background.colour, scene.background.second)
    return opening + text


def _groups(scene: Scene) -> list[list[Thing]]:
    """The things of a scene, those of one kind together."""
    return [[t for t in scene.things if t.kind == kind] for kind in scene.kinds()]


def _phrase(group: list[Thing], rng: np.random.Generator, more: bool) -> str:
    kind = load_kinds()[group[0].kind]
    colours = {thing.colour for thing in group}
    colour = f"{group[0].colour} " if len(colours) == 1 and group[0].colour and rng.random() < 0.75 else ""
    if len(group) > 1 and kind.countable:
        return f"{_NUMBERS[len(group)]} {colour}{kind.plural}"
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
    sayable = ("animal", "vehicle", "drink", "tool", "building", "plant", "weapon", "face")
    return with_article(kind.category) if kind.category in sayable else kind.noun_phrase()


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


def _place(thing: Thing) -> str:
    across = "left" if thing.x < 0.36 else "right" if thing.x > 0.64 else ""
    down = "top" if thing.y < 0.36 else "bottom" if thing.y > 0.64 else ""
    if across and down:
        return f" at the {down} {across}"
    if across or down:
        return f" at the {across or down}" if down else f" on the {across}"
    return " in the middle"
