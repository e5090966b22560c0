"""What the decoder and the heads learn from: encoded scenes with texts, answers, depth and emotion.

Blocks are made as they are needed, each from its own seed: any block can be made again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from pico.decoder import CONTEXT_LENGTH, MAX_PATCHES
from pico.heads import CELLS, EMOTION_LABELS
from pico.patches import PATCH, cut, grid_positions
from pico.special_tokens import ANSWER, BEGIN, CAPTION, DETAILED, END, PAD, QUESTION
from pico.validate import session
from scenes.captions import NUMBERS, brief, detailed
from scenes.colours import COLOURS
from scenes.compose import compose, depth_map, shared_small_sprites
from scenes.kinds import DANGEROUS, Kind, load_kinds
from scenes.questions import Turn, ask, emotion_of, has_face
from scenes.scene import READING, SIMPLE_READING, Scene, SceneSampler

BLOCK = 24
"""Images that are made, encoded and learned from together; all of one grid."""
READINGS = 2
"""How many different sets of texts come with each image."""
TURNS = 4
ROW_LENGTH = 88
"""Tokens of an image's texts behind each other after which no question is added."""
UNKNOWN_EMOTION = -1
NOWHERE = -1
MAX_GROUPS = 6
BEFORE_NOUNS = frozenset(("a", "an", *NUMBERS.values(), *COLOURS))
COVERED = 0.08
"""Share of a patch that a thing must fill for the patch to count as its own."""
GRIDS = {(8, 8): 0.6, (7, 9): 0.12, (9, 7): 0.12, (6, 10): 0.08, (10, 6): 0.08}
IMPORTANCE = {"brief": 1.0, "detailed": 0.7}
"""Weights of caption tokens in the loss; those of answers have ``ANSWER_IMPORTANCE``."""
ANSWER_IMPORTANCE = 2.0


@dataclass(frozen=True)
class Texts:
    """A row of texts an image: see ``Decoder.forward``."""

    ids: Tensor
    positions: Tensor
    segments: Tensor
    targets: Tensor
    """int64 [N, T]: the token to be said after each token."""
    importance: Tensor
    """float32 [N, T]: zero where nothing is learned."""
    looks: Tensor
    """int64 [N, T]: the index of the group of things that a token is about (see ``Block.covers``), or ``NOWHERE``."""
    spans: list[tuple[int, int, int, str]]
    """(row, first, end, kind): where each text or answer is said, for reports by kind."""


@dataclass(frozen=True)
class Block:
    """Images of one grid with everything that is learned from them."""

    features: Tensor
    """float16 [N, 64, F]."""
    mask: Tensor
    positions: Tensor
    depth: Tensor
    """float16 [N, 64, 16]."""
    depth_known: Tensor
    emotion: Tensor
    covers: Tensor
    """bool [N, 6, 64]: the patches of each group of things of one kind."""
    texts: list[Texts]


class Speller:
    """Texts to token ids, without the special tokens around them."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def about(self, text: str, kinds: list[int]) -> tuple[list[int], list[int]]:
        """The ids, and for each which of the kinds its word names (``NOWHERE``: none)."""
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        about = [NOWHERE] * len(encoding.ids)
        for index, kind in enumerate(kinds):
            found = named(text, load_kinds()[kind])
            if found is not None:
                for token, (start, end) in enumerate(encoding.offsets):
                    if start < found[1] and end > found[0]:
                        about[token] = index
        return encoding.ids, about


def named(text: str, kind: Kind) -> tuple[int, int] | None:
    """Where a text names a kind, with number and colour: from the first to behind the last letter."""
    for word in sorted((kind.plural, *kind.words), key=len, reverse=True):
        at = text.find(word)
        end = at + len(word)
        if at >= 0 and not text[at - 1 : at].isalpha() and not text[end : end + 1].isalpha():
            while (before := text[:at].split(" "))[-2:-1] and before[-2] in BEFORE_NOUNS:
                at -= len(before[-2]) + 1
            return at, end
    return None


def caption_prompt(more: bool) -> list[int]:
    """The tokens that ask for a caption."""
    return [BEGIN, CAPTION, DETAILED] if more else [BEGIN, CAPTION]


def question_prompt(spell: Speller, question: str) -> list[int]:
    """The tokens of one question, without what stands before it."""
    return [QUESTION, *spell.ids(question), ANSWER]


class _Row:
    """Texts behind each other; each kind of text with its own importance."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.positions: list[int] = []
        self.segments: list[int] = []
        self.targets: list[int] = []
        self.importance: list[float] = []
        self.looks: list[int] = []
        self.spans: list[tuple[int, int, str]] = []

    def begin(self) -> None:
        """The next text starts here, seeing nothing of those before it."""
        self.segment = self.segments[-1] + 1 if self.segments else 0
        self.start = len(self.ids)

    def say(
        self, prompt: list[int], about: list[int], said: list[int], said_about: list[int], kind: str, importance: float
    ) -> None:
        """A prompt and what is to be said after it; ``</s>`` is wanted at its end but not written.

        Looks: a word of the prompt at its last token, a word to be said from the token before it on.
        """
        if len(self.ids) - self.start + len(prompt) + len(said) > CONTEXT_LENGTH:
            return
        first = len(self.ids) + len(prompt) - 1
        self.ids += prompt + said
        self.targets += [PAD] * (len(prompt) - 1) + said + [END]
        self.importance += [0.0] * (len(prompt) - 1) + [importance] * (len(said) + 1)
        ends = [a if a != b else NOWHERE for a, b in zip(about, [*about[1:], NOWHERE], strict=True)]
        self.looks += [*ends[:-1], *said_about, NOWHERE]
        self.segments += [self.segment] * (len(prompt) + len(said))
        self.positions += range(len(self.positions) - self.start, len(self.ids) - self.start)
        self.spans.append((first, len(self.ids), kind))


def written(scene: Scene, turns: list[Turn], rng: np.random.Generator, spell: Speller) -> _Row:
    """A brief and a detailed caption and a conversation."""
    row, kinds = _Row(), scene.kinds()
    for kind, text in (("brief", brief(scene, rng)), ("detailed", detailed(scene, rng))):
        row.begin()
        prompt = caption_prompt(kind == "detailed")
        row.say(prompt, [NOWHERE] * len(prompt), *spell.about(text, kinds), kind, IMPORTANCE[kind])
    row.begin()
    for number, turn in enumerate(turns):
        if number and len(row.ids) > ROW_LENGTH - 16:
            break
        words, about = spell.about(turn.question, kinds)
        opening = [QUESTION] if number else [BEGIN, QUESTION]
        row.say([*opening, *words, ANSWER], [NOWHERE] * len(opening) + [*about, NOWHERE],
                *spell.about(turn.answer, kinds), turn.kind, ANSWER_IMPORTANCE)
    return row


def texts_of(rows: list[_Row]) -> Texts:
    """The rows as tensors, padded to the longest."""
    length = max(len(row.ids) for row in rows)

    def padded(values: list[list], dtype: torch.dtype, fill: int) -> Tensor:
        return torch.tensor([row + [fill] * (length - len(row)) for row in values], dtype=dtype)

    return Texts(
        ids=padded([row.ids for row in rows], torch.int64, PAD),
        positions=padded([row.positions for row in rows], torch.int64, 0),
        segments=padded([row.segments for row in rows], torch.int64, -1),
        targets=padded([row.targets for row in rows], torch.int64, PAD),
        importance=padded([row.importance for row in rows], torch.float32, 0),
        looks=padded([row.looks for row in rows], torch.int64, NOWHERE),
        spans=[(index, *span) for index, row in enumerate(rows) for span in row.spans],
    )


class ReadingBlocks(IterableDataset):
    """Endless blocks from a given one on, of ``blocks`` in all that the curriculum is spread over."""

    def __init__(self, vision: Path, tokenizer: Tokenizer, seed: int, first: int, easy_blocks: int) -> None:
        self.vision, self.tokenizer_json = vision, tokenizer.to_str()
        self.seed, self.first, self.easy_blocks = seed, first, easy_blocks

    def __iter__(self) -> Iterator[Block]:
        worker = get_worker_info()
        offset, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        if worker:
            os.nice(max(0, 10 - os.nice(0)))
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        maker = BlockMaker(self.vision, Tokenizer.from_str(self.tokenizer_json))
        index = self.first + offset
        while True:
            easy = 0.9 * max(0.0, 1 - index / max(1, self.easy_blocks)) + 0.1
            yield maker.make(np.random.default_rng((self.seed, index)), easy)
            index += stride


class BlockMaker:
    """Makes blocks: scenes, their pictures, the encoder's features, texts."""

    def __init__(self, vision: Path, tokenizer: Tokenizer) -> None:
        self.vision = session(vision)
        self.spell = Speller(tokenizer)
        self.easy, self.mixed = SceneSampler(SIMPLE_READING), SceneSampler(READING)
        kinds = load_kinds()
        self.faces = [kind.index for kind in kinds if kind.emotion]
        self.dangers = [kind.index for kind in kinds if kind.category in DANGEROUS]

    def make(self, rng: np.random.Generator, easy: float, images: int = BLOCK, readings: int = READINGS) -> Block:
        """A block in which a share of the scenes is easy."""
        rows, columns = list(GRIDS)[int(rng.choice(len(GRIDS), p=list(GRIDS.values())))]
        scenes = [self._scene(rng, easy, columns / rows) for _ in range(images)]
        count = rows * columns
        mask = np.zeros((images, MAX_PATCHES), bool)
        mask[:, :count] = True
        positions = np.zeros((images, MAX_PATCHES, 2), np.int32)
        positions[:, :count] = grid_positions(rows, columns)
        depth = np.zeros((images, MAX_PATCHES, CELLS * CELLS), np.float16)
        covers = np.zeros((images, MAX_GROUPS, MAX_PATCHES), bool)
        patches = np.empty((images, count, PATCH * PATCH * 3), np.uint8)
        for index, scene in enumerate(scenes):
            picture, owners = compose(scene, columns * PATCH, rows * PATCH, shared_small_sprites())
            patches[index] = cut(picture)
            depth[index, :count] = depth_cells(depth_map(scene, owners))
            for group, kind in enumerate(scene.kinds()):
                mine = np.isin(owners, [i for i, thing in enumerate(scene.things) if thing.kind == kind])
                covers[index, group, :count] = depth_cells(mine.astype(np.float32)).mean(1) > COVERED
        features = np.zeros((images, MAX_PATCHES, self.vision.get_outputs()[1].shape[2]), np.float16)
        features[:, :count] = self.vision.run(["patch_features"], {
            "patches": patches, "patch_mask": mask[:, :count], "patch_positions": positions[:, :count]})[0]
        texts = [
            texts_of([written(scene, ask(scene, rng, TURNS), rng, self.spell) for scene in scenes])
            for _ in range(readings)
        ]
        known = [scene.background.pattern != "ground" or scene.background.horizon is not None for scene in scenes]
        return Block(
            features=torch.from_numpy(features), mask=torch.from_numpy(mask), positions=torch.from_numpy(positions),
            depth=torch.from_numpy(depth), depth_known=torch.tensor(known),
            emotion=torch.tensor([emotion_label(scene) for scene in scenes]), covers=torch.from_numpy(covers),
            texts=texts,
        )

    def _scene(self, rng: np.random.Generator, easy: float, aspect: float) -> Scene:
        """Faces and dangers come more often than other kinds: they have questions of their own."""
        sampler = self.easy if rng.random() < easy else self.mixed
        chance, first = rng.random(), None
        if chance < 0.14:
            first = int(rng.choice(self.faces))
        elif chance < 0.2:
            first = int(rng.choice(self.dangers))
        return sampler.sample(rng, aspect, first)


def depth_cells(depth: np.ndarray) -> np.ndarray:
    """[height, width] -> [patches, 16]: the mean of each 4x4 pixels, in raster order twice."""
    side = PATCH // CELLS
    rows, columns = depth.shape[0] // PATCH, depth.shape[1] // PATCH
    cells = depth.reshape(rows * CELLS, side, columns * CELLS, side).mean((1, 3))
    return cells.reshape(rows, CELLS, columns, CELLS).transpose(0, 2, 1, 3).reshape(rows * columns, -1)


def emotion_label(scene: Scene) -> int:
    """Index into ``EMOTION_LABELS``, ``UNKNOWN_EMOTION`` where it is not sure."""
    if not has_face(scene):
        return len(EMOTION_LABELS) - 1
    emotion = emotion_of(scene)
    return UNKNOWN_EMOTION if emotion is None else EMOTION_LABELS.index(emotion)
