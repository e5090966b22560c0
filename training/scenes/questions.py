"""Questions about scenes and their true answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scenes.captions import NUMBERS, common_colour, counted, groups_of, left_to_right, listed, place_of, relation
from scenes.colours import COLOURS
from scenes.kinds import DANGEROUS, SAYABLE_CATEGORIES, Kind, load_kinds, with_article
from scenes.scene import Scene, Thing

Wordings = dict[str, tuple[str, ...]]

WORDINGS: Wordings = {
    "what": ("what is in the picture", "what do you see", "what is shown", "what can you see in the picture",
             "what does the picture show", "what is this", "what is here", "what is in this picture",
             "what is in the image", "what does the image show", "describe what you see", "what can be seen",
             "what things are in the picture", "which things do you see", "what objects are there",
             "list the things in the picture", "name what you see", "what is there", "what am i looking at"),
    "count": ("how many {} are there", "how many {} do you see", "how many {} are in the picture", "count the {}",
              "how many {} can you see", "how many {} are shown", "how many {} does the picture show",
              "how many {} are here", "how many {} are in the image", "how many {} can be seen", "how many {}",
              "count all {}", "count the {} in the picture", "the number of {}", "give the number of {}",
              "what number of {} do you see"),
    "total": ("how many things are there", "how many things do you see", "how many things are in the picture",
              "how many things can you see", "how many objects are there", "how many objects do you see",
              "count the things", "count everything", "count all things", "the number of things",
              "give the number of things", "what number of things do you see"),
    "colour": ("what colour is the {}", "which colour is the {}", "what is the colour of the {}",
               "what color is the {}", "which color is the {}", "what is the color of the {}",
               "what colour does the {} have", "which color does the {} have", "the colour of the {}",
               "name the colour of the {}", "what colour do you see on the {}", "what is the {} painted with"),
    "where": ("where is the {}", "where in the picture is the {}", "where do you see the {}",
              "where can you see the {}", "where in the image is the {}", "where does the {} stand",
              "where can the {} be seen", "whereabouts is the {}", "on which side is the {}",
              "in which corner or part do you see the {}", "what is the place of the {}",
              "which part of the picture shows the {}"),
    "beside": ("is the {} to the left or to the right of the {}", "is the {} left or right of the {}",
               "is the {} on the left or on the right of the {}", "do you see the {} left or right of the {}",
               "does the {} lie to the left or to the right of the {}", "is the {} right or left of the {}",
               "in the picture, is the {} left or right of the {}"),
    "over": ("is the {} above or below the {}", "is the {} over or under the {}",
             "do you see the {} above or below the {}", "does the {} lie above or below the {}",
             "is the {} below or above the {}",
             "in the picture, is the {} above or below the {}"),
    "what beside": ("what is {} the {}", "what do you see {} the {}", "what can you see {} the {}",
                    "what stands {} the {}", "what is there {} the {}", "what object is {} the {}"),
    "yes/no": ("is there {}", "is there {} in the picture", "do you see {}", "does the picture show {}",
               "can you see {}", "is there {} in the image", "does the image show {}", "is there {} here",
               "do you see {} in the picture", "is {} in the picture", "is {} shown", "does it show {}"),
    "yes/no colour": ("is the {} {}", "is the colour of the {} {}", "is the color of the {} {}",
                      "is the {} {} in colour", "does the {} have the colour {}", "is the {} painted {}",
                      "does the {} look {}"),
    "nearer": ("which is nearer, the {} or the {}", "which one is nearer, the {} or the {}",
               "what is closer, the {} or the {}", "which is closer, the {} or the {}",
               "what is nearer, the {} or the {}", "which stands nearer, the {} or the {}",
               "which of the two is nearer, the {} or the {}", "which one is closer, the {} or the {}",
               "is the {} or the {} nearer", "is the {} or the {} closer"),
    "emotion": ("what does the face feel", "which emotion does the face show", "how does the face feel",
                "what emotion does the face show", "what does this face feel", "which feeling does the face show",
                "what is the emotion of the face", "what is the mood of the face", "name the emotion of the face",
                "name the feeling of this face", "what feeling do you see", "how does this person feel"),
    "danger": ("is there anything dangerous", "is anything dangerous in the picture", "do you see anything dangerous",
               "is there something dangerous", "can you see anything dangerous", "is there a danger",
               "does the picture show anything dangerous", "is anything here dangerous",
               "does anything here look dangerous"),
}
"""How each kind of question is asked in training."""

HELD_BACK_WORDINGS: Wordings = {
    "what": ("tell me what you see here",),
    "count": ("what is the number of {}",),
    "total": ("what is the number of things",),
    "colour": ("in which colour is the {} painted",),
    "where": ("in what part of the picture is the {}",),
    "beside": ("seen from the front, does the {} stand left or right of the {}",),
    "over": ("does one find the {} above or below the {}",),
    "what beside": ("which thing is {} the {}",),
    "yes/no": ("can one see {} here",),
    "yes/no colour": ("would you call the {} {}",),
    "nearer": ("what stands nearer to us, the {} or the {}",),
    "emotion": ("what is the feeling of the face",),
    "danger": ("should one be afraid of anything here",),
}
"""Never trained on; for the measure of unseen wordings."""

WEIGHTS = {"what": 1.4, "count": 1.4, "total": 0.5, "colour": 1.5, "where": 0.8, "beside": 1.3, "over": 0.9,
           "what beside": 0.8, "yes/no": 1.8, "yes/no colour": 1.2, "nearer": 3.0, "emotion": 2.0, "danger": 0.5}
"""How often each kind is asked where it can be."""
MARKED = 0.4
"""Probability of a question mark: people write one or do not."""


@dataclass(frozen=True)
class Turn:
    """A question and its answer."""

    kind: str
    question: str
    answer: str


def ask(scene: Scene, rng: np.random.Generator, turns: int, wordings: Wordings = WORDINGS) -> list[Turn]:
    """Up to that many different questions with a sure answer."""
    asked: list[Turn] = []
    weights = dict(WEIGHTS)
    while weights and len(asked) < turns:
        names = list(weights)
        shares = np.array(list(weights.values()))
        name = str(rng.choice(names, p=shares / shares.sum()))
        del weights[name]
        turn = ask_about(name, scene, rng, wordings)
        if turn is not None:
            asked.append(turn)
    return asked


def ask_about(name: str, scene: Scene, rng: np.random.Generator, wordings: Wordings = WORDINGS) -> Turn | None:
    """A question of one kind, or None where the scene gives no sure answer to any."""
    filled = _QUESTIONS[name](scene, rng)
    if filled is None:
        return None
    words, answer = filled
    mark = "?" if rng.random() < MARKED else ""
    return Turn(name, str(rng.choice(wordings[name])).format(*words) + mark, answer)


Filled = tuple[Sequence[str], str] | None
"""The words of a question's gaps, and the answer."""


def _what(scene: Scene, rng: np.random.Generator) -> Filled:
    return (), listed([counted(group, rng, coloured=False) for group in left_to_right(scene)])


def _count(scene: Scene, rng: np.random.Generator) -> Filled:
    several = [group for group in groups_of(scene) if len(group) > 1]
    groups = several if several and rng.random() < 0.6 else groups_of(scene)
    group = groups[int(rng.integers(len(groups)))]
    kind, number = load_kinds()[group[0].kind], NUMBERS[len(group)]
    if rng.random() < 0.15:
        kind, number = _absent(scene, rng), "none"
    return ([kind.plural], number) if kind.countable else None


def _total(scene: Scene, rng: np.random.Generator) -> Filled:
    return (), NUMBERS[len(scene.things)]


def _colour(scene: Scene, rng: np.random.Generator) -> Filled:
    groups = [group for group in groups_of(scene) if common_colour(group) and len(group) == 1]
    if not groups:
        return None
    group = groups[int(rng.integers(len(groups)))]
    return [_called(group[0], rng)], common_colour(group)


def _where(scene: Scene, rng: np.random.Generator) -> Filled:
    single = _singles(scene)
    if not single:
        return None
    thing = single[int(rng.integers(len(single)))]
    return [_called(thing, rng)], place_of(thing).strip()


def _beside(scene: Scene, rng: np.random.Generator) -> Filled:
    return _related(scene, rng, {"to the left of": "left", "to the right of": "right"})


def _over(scene: Scene, rng: np.random.Generator) -> Filled:
    return _related(scene, rng, {"above": "above", "below": "below"})


def _related(scene: Scene, rng: np.random.Generator, answers: dict[str, str]) -> Filled:
    pairs = [
        (one, other, words) for one in _singles(scene) for other in _singles(scene)
        if one is not other and (words := relation(one, other, scene)) in answers
    ]
    if not pairs:
        return None
    one, other, words = pairs[int(rng.integers(len(pairs)))]
    return [_called(one, rng), _called(other, rng)], answers[words]


def _what_beside(scene: Scene, rng: np.random.Generator) -> Filled:
    """Asked only where there are two things, so that the answer is sure."""
    if len(scene.things) != 2 or len(_singles(scene)) != 2:
        return None
    one, other = (scene.things[i] for i in rng.permutation(2))
    words = relation(one, other, scene)
    return ([words, _called(other, rng)], load_kinds()[one.kind].noun_phrase()) if words else None


def _is_there(scene: Scene, rng: np.random.Generator) -> Filled:
    kinds = load_kinds()
    there = rng.random() < 0.5
    if rng.random() < 0.2:
        present = {kinds[kind].category for kind in scene.kinds()}
        choices = [c for c in SAYABLE_CATEGORIES if (c in present) == there]
        return ([with_article(str(rng.choice(choices)))], _yes(there)) if choices else None
    present = [kinds[kind] for kind in scene.kinds()]
    kind = present[int(rng.integers(len(present)))] if there else _absent(scene, rng)
    return [kind.noun_phrase(_word(kind, rng))], _yes(there)


def _is_coloured(scene: Scene, rng: np.random.Generator) -> Filled:
    filled = _colour(scene, rng)
    if filled is None:
        return None
    (name,), colour = filled
    right = rng.random() < 0.5
    asked = colour if right else str(rng.choice([c for c in COLOURS if c != colour]))
    return [name, asked], _yes(right)


def _nearer(scene: Scene, rng: np.random.Generator) -> Filled:
    standing = [thing for thing in _singles(scene) if thing.depth is not None]
    pairs = [(a, b) for a in standing for b in standing if a.depth + 0.1 < b.depth]
    if not pairs:
        return None
    near, far = pairs[int(rng.integers(len(pairs)))]
    one, other = (near, far) if rng.random() < 0.5 else (far, near)
    return [load_kinds()[one.kind].name, load_kinds()[other.kind].name], f"the {load_kinds()[near.kind].name}"


def _emotion(scene: Scene, rng: np.random.Generator) -> Filled:
    emotion = emotion_of(scene)
    return None if emotion is None else ((), emotion)


def _danger(scene: Scene, rng: np.random.Generator) -> Filled:
    dangers = [group for group in left_to_right(scene) if load_kinds()[group[0].kind].category in DANGEROUS]
    if not dangers:
        return None if rng.random() < 0.75 else ((), "no")
    return (), "yes, " + listed([counted(group, rng, coloured=False, canonical=1.0) for group in dangers])


_QUESTIONS: dict[str, Callable[[Scene, np.random.Generator], Filled]] = {
    "what": _what, "count": _count, "total": _total, "colour": _colour, "where": _where, "beside": _beside,
    "over": _over, "what beside": _what_beside, "yes/no": _is_there, "yes/no colour": _is_coloured,
    "nearer": _nearer, "emotion": _emotion, "danger": _danger,
}


def emotion_of(scene: Scene) -> str | None:
    """What the one face of the scene feels; None without a face, with several, or where it is not sure."""
    faces = [thing for thing in scene.things if load_kinds()[thing.kind].category == "face"]
    return load_kinds()[faces[0].kind].emotion if len(faces) == 1 else None


def has_face(scene: Scene) -> bool:
    """Whether anything in the scene is a face."""
    return any(load_kinds()[thing.kind].category == "face" for thing in scene.things)


def _singles(scene: Scene) -> list[Thing]:
    """The things that are the only one of their kind."""
    return [group[0] for group in groups_of(scene) if len(group) == 1]


def _called(thing: Thing, rng: np.random.Generator) -> str:
    return _word(load_kinds()[thing.kind], rng)


def _word(kind: Kind, rng: np.random.Generator) -> str:
    return kind.name if rng.random() < 0.8 or not kind.synonyms else str(rng.choice(kind.synonyms))


def _absent(scene: Scene, rng: np.random.Generator) -> Kind:
    """A kind that is not in the scene, half of the time one of a category that is."""
    kinds, present = load_kinds(), scene.kinds()
    category = kinds[present[int(rng.integers(len(present)))]].category if rng.random() < 0.5 else None
    choices = [k for k in kinds if k.index not in present and category in (None, k.category)]
    return choices[int(rng.integers(len(choices)))] if choices else kinds[(present[0] + 1) % len(kinds)]


def _yes(true: bool) -> str:
    return "yes" if true else "no"
