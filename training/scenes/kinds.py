"""The kinds of things in the world, read from ``kinds.txt``, and the words for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

KINDS_FILE = Path(__file__).with_name("kinds.txt")

EMOTIONS = {
    "happiness": ("smiling face", "laughing face"),
    "sadness": ("sad face", "crying face"),
    "anger": ("angry face",),
    "surprise": ("surprised face",),
    "fear": ("frightened face",),
    "disgust": ("disgusted face",),
    "tiredness": ("sleeping face",),
}
"""What faces feel, by the names of their kinds. What others (winking, masked, a clown) feel is not sure."""

DANGEROUS = frozenset({"weapon", "hazard"})
"""Categories of things that are dangerous by themselves."""

SAYABLE_CATEGORIES = ("animal", "vehicle", "drink", "tool", "building", "plant", "weapon", "face")
"""Categories whose word names a thing: one says "an animal", but not "a nature"."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing: what it is called and which drawings show it."""

    index: int
    name: str
    plural: str
    category: str
    countable: bool
    synonyms: tuple[str, ...]
    slugs: tuple[str, ...]
    not_in: frozenset[str]

    @property
    def words(self) -> tuple[str, ...]:
        """The name first, then the synonyms."""
        return (self.name, *self.synonyms)

    def noun_phrase(self, word: str | None = None) -> str:
        """The word (default: the name) with its article: ``an owl``, but ``bacon``."""
        word = word or self.name
        return with_article(word) if self.countable else word

    @property
    def emotion(self) -> str | None:
        """What it feels, for a face of a sure emotion."""
        return next((emotion for emotion, names in EMOTIONS.items() if self.name in names), None)


def with_article(word: str) -> str:
    """``a`` or ``an`` before the word, by its first sound."""
    sounds_like_vowel = word[0] in "aeiou" and not word.startswith(("uni", "ufo", "euro"))
    return f"{'an' if sounds_like_vowel or word.startswith('hour') else 'a'} {word}"


@cache
def load_kinds(path: Path = KINDS_FILE) -> tuple[Kind, ...]:
    """All kinds in the order of the file. Raises ValueError on a double name or slug."""
    kinds: list[Kind] = []
    category = ""
    for line in map(str.strip, path.read_text(encoding="utf-8").splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            category = line.strip("[]")
            continue
        kinds.append(_parse(line, len(kinds), category))
    _refuse_doubles([kind.name for kind in kinds])
    _refuse_doubles([slug for kind in kinds for slug in kind.slugs])
    return tuple(kinds)


def _parse(line: str, index: int, category: str) -> Kind:
    words, _, drawings = line.partition(" : ")
    slugs, _, without = drawings.partition(" - ")
    words, _, synonyms = words.partition(" = ")
    name, _, plural = words.partition(" / ")
    countable = not name.startswith("~")
    name = name.lstrip("~").strip()
    return Kind(
        index=index,
        name=name,
        plural=plural.strip() or f"{name}s",
        category=category,
        countable=countable,
        synonyms=_split(synonyms),
        slugs=_split(slugs),
        not_in=frozenset(_split(without)),
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _refuse_doubles(names: list[str]) -> None:
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValueError(f"kinds.txt: said twice: {', '.join(doubles)}")
