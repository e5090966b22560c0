"""The tokenizer of the family: a small lower-casing byte-level BPE, trained on the world's own words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from pico.special_tokens import BEGIN, END, PAD, SPECIAL
from scenes.captions import HELD_BACK_PROMPTS, caption, prompt
from scenes.kinds import load_kinds
from scenes.scene import MIXED, SceneSampler

VOCABULARY = 2048
MAX_LENGTH = 64


def train_tokenizer(seed: int, captions: int = 30_000) -> Tokenizer:
    """A tokenizer for which no text is unknown (every byte is a token)."""
    rng = np.random.default_rng(seed)
    sampler = SceneSampler(MIXED)
    corpus = [caption(sampler.sample(rng), rng) for _ in range(captions)]
    corpus += [prompt(kind, rng) for kind in load_kinds() for _ in range(20)]
    corpus += [word for kind in load_kinds() for word in (*kind.words, kind.plural, kind.category)] * 20
    corpus += _QUESTION_WORDS * 50
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=list(SPECIAL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> $B </s>",
        special_tokens=[("<s>", BEGIN), ("</s>", END)],
    )
    return tokenizer


_QUESTION_WORDS = [
    "what is in the picture", "how many are there", "which colour is it", "what colour is the", "where is the",
    "is there anything dangerous", "what is left of", "is it above or below", "which one is nearer", "yes", "no",
    "what does the face feel", "nothing i know", "one two three four five six", "a group of things", "an animal",
    "a vehicle", "some food", "a photograph of a person", "something else", "in front of", "behind", "far away",
    *HELD_BACK_PROMPTS,
]
"""Words the family will need, so that they do not fall apart into bytes."""


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes ``tokenizer.json`` and ``tokenizer_config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": MAX_LENGTH,
        "padding_side": "right",
        "truncation_side": "right",
        "clean_up_tokenization_spaces": False,
        "pad_token": "<pad>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "additional_special_tokens": list(SPECIAL[3:]),
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def encode(tokenizer: Tokenizer, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """int64 ids and mask [N, L], padded to the longest. Raises ValueError on a text above ``MAX_LENGTH`` tokens."""
    rows = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    length = max(len(row) for row in rows)
    if length > MAX_LENGTH:
        raise ValueError(f"a text of {length} tokens (expected: at most {MAX_LENGTH})")
    ids = np.full((len(rows), length), PAD, np.int64)
    mask = np.zeros((len(rows), length), np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return ids, mask
