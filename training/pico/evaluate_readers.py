"""Examines decoder, depth and emotion through their ONNX files and the real preprocessing.

``python -m pico.evaluate_readers --run NAME`` writes ``readers-report.json`` into the run's folder.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np

from pico.evaluate import share
from pico.exam import each_sheet
from pico.export import REPOSITORY
from pico.generate import Generator, heads
from pico.heads import CELLS, EMOTION_LABELS
from pico.patches import PATCH
from pico.reading import Speller, caption_prompt, depth_cells, emotion_label, question_prompt
from pico.special_tokens import BEGIN
from scenes.captions import NUMBERS, common_colour, groups_of
from scenes.colours import COLOURS
from scenes.compose import compose, depth_map, shared_small_sprites
from scenes.drawings import CACHE
from scenes.kinds import load_kinds
from scenes.questions import HELD_BACK_WORDINGS, WORDINGS, Turn, Wordings, ask_about, has_face
from scenes.scene import Scene

CHUNK = 32
CLEAR = 0.1
"""Least difference of depth between two things or points whose order is asked for."""


@dataclass(frozen=True)
class Seen:
    """The scenes of a set and what the image encoder made of them."""

    scenes: list[Scene]
    features: np.ndarray
    mask: np.ndarray
    positions: np.ndarray

    def where(self, chosen: np.ndarray) -> Seen:
        return Seen([self.scenes[i] for i in chosen], self.features[chosen], self.mask[chosen], self.positions[chosen])


@dataclass(frozen=True)
class Mention:
    """A thing that a text names."""

    kind: int
    number: int
    colour: str | None


def see(generator: Generator, name: str, count: int) -> Seen:
    """Renders and encodes a set, a few pictures at a time."""
    scenes, parts, images = [], [], []
    for sheet in each_sheet(name, count):
        scenes.append(sheet.scene)
        images.append(sheet.image)
        if len(images) == CHUNK or len(scenes) == count:
            parts.append(generator.see(images))
            images = []
    return Seen(scenes, *(np.concatenate(tensors) for tensors in zip(*parts, strict=True)))


@cache
def mention_pattern() -> tuple[re.Pattern, dict[str, int]]:
    """Finds number, colour and noun of each thing that a text names; and the kind of each noun."""
    nouns: dict[str, int] = {}
    for words in (lambda kind: (kind.name,), lambda kind: (kind.plural,), lambda kind: kind.synonyms):
        for kind in load_kinds():
            for word in words(kind):
                nouns.setdefault(word, kind.index)
    numbers = "|".join(("an", "a", *NUMBERS.values()))
    names = "|".join(map(re.escape, sorted(nouns, key=len, reverse=True)))
    return re.compile(rf"\b(?:({numbers}) )?(?:({'|'.join(COLOURS)}) )?({names})\b"), nouns


def mentions(text: str) -> list[Mention]:
    """What a text names, each kind once."""
    pattern, nouns = mention_pattern()
    numbers = {word: number for number, word in NUMBERS.items()}
    found = {}
    for number, colour, noun in pattern.findall(text):
        found.setdefault(nouns[noun], Mention(nouns[noun], numbers.get(number, 1), colour or None))
    return list(found.values())


def captions(generator: Generator, seen: Seen, more: bool) -> dict:
    """Things named (F1), counts and colours right, over brief or detailed captions."""
    prompts = [caption_prompt(more)] * len(seen.scenes)
    texts = [generator.text(said.ids) for said in _greedy(generator, seen, prompts)]
    hits = named = present = 0
    exact, counts, colours, invented = [], [], [], []
    for scene, text in zip(seen.scenes, texts, strict=True):
        said = {mention.kind: mention for mention in mentions(text)}
        truth = {group[0].kind: group for group in groups_of(scene)}
        both = said.keys() & truth.keys()
        hits, named, present = hits + len(both), named + len(said), present + len(truth)
        exact.append(said.keys() == truth.keys())
        for kind in both:
            if load_kinds()[kind].countable:
                counts.append(said[kind].number == len(truth[kind]))
            colour = common_colour(truth[kind])
            (colours if colour else invented).append(said[kind].colour == colour)
    name = "detailed" if more else "brief"
    precision, recall = hits / max(1, named), hits / max(1, present)
    return {
        f"{name} captions: things named, F1": {
            "value": round(2 * precision * recall / max(1e-9, precision + recall), 4), "precision": round(precision, 4),
            "recall": round(recall, 4), "n": len(texts)},
        f"{name} captions: all things named and no other": share(np.array(exact)),
        f"{name} captions: counts of the things named": share(np.array(counts)),
        f"{name} captions: colours of painted things named": share(np.array(colours)),
        f"{name} captions: no colour said of things in their own colours": share(np.array(invented)),
        f"{name} captions: examples": texts[:12],
    }


def _greedy(generator: Generator, seen: Seen, prompts: list[list[int]]) -> list:
    said = []
    for at in range(0, len(prompts), 4 * CHUNK):
        part = slice(at, at + 4 * CHUNK)
        said += generator.greedy(seen.features[part], seen.mask[part], prompts[part])
    return said


def answers(generator: Generator, seen: Seen, kinds: list[str], wordings: Wordings, seed: int, limit: int) -> dict:
    """Share of right answers to the first question of a conversation, by kind of question."""
    spell, report = Speller(generator.tokenizer), {}
    for kind in kinds:
        rng = np.random.default_rng((seed, *kind.encode()))
        turns = [ask_about(kind, scene, rng, wordings) for scene in seen.scenes]
        chosen = np.array([index for index, turn in enumerate(turns) if turn is not None][:limit])
        asked = [turns[index] for index in chosen]
        prompts = [[BEGIN, *question_prompt(spell, turn.question)] for turn in asked]
        texts = [generator.text(said.ids) for said in _greedy(generator, seen.where(chosen), prompts)]
        right = np.array([_right(turn, text) for turn, text in zip(asked, texts, strict=True)])
        report[kind] = share(right)
        if kind == "what":
            alone = np.array([len(seen.scenes[index].things) == 1 for index in chosen])
            report["what, one thing"], report["what, several things"] = share(right[alone]), share(right[~alone])
    return report


def _right(turn: Turn, text: str) -> bool:
    """Word for word; things that are listed may come in another order."""
    if turn.kind == "what":
        return sorted((m.kind, m.number) for m in mentions(text)) == sorted(
            (m.kind, m.number) for m in mentions(turn.answer))
    return text == turn.answer


def depth_order(repository: Path, seen: Seen) -> dict:
    """Share of pairs of things, and of points, whose order by depth is right."""
    model, _ = heads(repository)
    things, points = [], []
    rng = np.random.default_rng(17)
    for at in range(0, len(seen.scenes), CHUNK):
        part = slice(at, at + CHUNK)
        depth = model.run(["depth"], {
            "patch_features": seen.features[part], "patch_mask": seen.mask[part],
            "patch_positions": seen.positions[part]})[0]
        for scene, guessed, mask, places in zip(
            seen.scenes[part], depth, seen.mask[part], seen.positions[part], strict=True
        ):
            rows, columns = places[mask].max(0) + 1
            _, owners = compose(scene, columns * PATCH, rows * PATCH, shared_small_sprites())
            true = depth_cells(depth_map(scene, owners)).reshape(-1)
            guess = guessed[mask].reshape(-1)
            mine = [depth_cells((owners == i).astype(np.float32)).reshape(-1) > 0.5 for i in range(len(scene.things))]
            for i, j in combinations(range(len(scene.things)), 2):
                near, far = scene.things[i].distance, scene.things[j].distance
                if mine[i].sum() >= CELLS and mine[j].sum() >= CELLS and abs(near - far) >= CLEAR:
                    things.append((np.median(guess[mine[i]]) < np.median(guess[mine[j]])) == (near < far))
            one, other = rng.integers(len(true), size=(2, 40))
            clear = np.abs(true[one] - true[other]) >= CLEAR
            points += ((guess[one] < guess[other]) == (true[one] < true[other]))[clear].tolist()
    named = {"depth: order of two things": things, "depth: order of two points": points}
    return {name: share(np.array(right)) for name, right in named.items()}


def emotions(repository: Path, faces: Seen, others: Seen) -> dict:
    """Macro F1 over the emotions on scenes with one face, with scenes without any among them."""
    _, model = heads(repository)
    truth, guessed = [], []
    for seen in (faces, others):
        for at in range(0, len(seen.scenes), CHUNK):
            logits = model.run(["logits"], {
                "patch_features": seen.features[at : at + CHUNK], "patch_mask": seen.mask[at : at + CHUNK]})[0]
            guessed += logits.argmax(1).tolist()
        truth += [emotion_label(scene) for scene in seen.scenes]
    truth, guessed = np.array(truth), np.array(guessed)
    sure = truth >= 0
    truth, guessed = truth[sure], guessed[sure]
    scores = {}
    for index, label in enumerate(EMOTION_LABELS):
        hits = ((truth == index) & (guessed == index)).sum()
        scores[label] = round(float(2 * hits / max(1, (truth == index).sum() + (guessed == index).sum())), 4)
    felt = [scores[label] for label in EMOTION_LABELS[:-1]]
    return {
        "emotion: macro F1": {"value": round(sum(felt) / len(felt), 4), "n": len(truth), "by emotion": scores},
        "emotion: right": share(guessed == truth),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    parser.add_argument("--repository", type=Path, default=REPOSITORY)
    parser.add_argument("--encoders", type=Path, help="the repository of the encoders, where it is another")
    parser.add_argument("--scenes", type=int, default=2000, help="of captions and answers; half as many of the others")
    options = parser.parse_args()
    began = time.time()
    generator = Generator(options.repository, options.encoders)
    reading = see(generator, "reading", options.scenes)
    deep = see(generator, "deep", options.scenes // 2)
    faces = see(generator, "faces", options.scenes // 2)
    report = captions(generator, reading, more=False) | captions(generator, reading, more=True)
    special = {"nearer": deep, "emotion": faces}
    common = [kind for kind in WORDINGS if kind not in special]
    for name, wordings, limit in (("answers", WORDINGS, options.scenes), ("unseen wordings", HELD_BACK_WORDINGS, 500)):
        by_kind = answers(generator, reading, common, wordings, 23, limit)
        for kind, seen in special.items():
            by_kind |= answers(generator, seen, [kind], wordings, 23, limit)
        report |= {f"{name}: {kind}": value for kind, value in by_kind.items()}
    faceless = np.array([index for index, scene in enumerate(reading.scenes) if not has_face(scene)])
    report |= depth_order(options.repository, deep)
    report |= emotions(options.repository, faces, reading.where(faceless[: options.scenes // 8]))
    report["seconds"] = round(time.time() - began)
    folder = CACHE / "runs" / options.run
    (folder / "readers-report.json").write_text(json.dumps(report, indent=1) + "\n")
    for name, value in report.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
