"""Greedy captions and answers from the exported decoder: the plain loop that any client would write. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from tokenizers import Tokenizer

from pico.patches import to_patches
from pico.special_tokens import END
from pico.validate import session

NUMPY_TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64}


@dataclass(frozen=True)
class Generated:
    """What was said after a prompt."""

    ids: list[int]
    """Without ``</s>``."""
    ended: bool
    """Whether it ended by itself rather than at the limit."""
    margin: float
    """Least difference between the best and the second logit of a step: how near it was to another text."""


class Generator:
    """The decoder of a repository, with the image encoder before it."""

    def __init__(self, repository: Path, encoders: Path | None = None) -> None:
        self.vision = session((encoders or repository) / "pico_vision" / "1" / "model.onnx")
        self.decoder = session(repository / "pico_decoder" / "1" / "model.onnx")
        self.tokenizer = Tokenizer.from_file(str(repository / "pico_decoder" / "assets" / "tokenizer.json"))
        self.state = {
            node.name: (node.shape[1:], NUMPY_TYPES[node.type])
            for node in self.decoder.get_inputs() if node.name.endswith("_in")
        }
        self.context_length = self.state["cache_in"][0][1]

    def see(self, images: list[Image.Image]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Patch features float32 [N, 64, F], mask bool [N, 64] and positions int32 [N, 64, 2]."""
        patches, mask, positions = map(np.stack, zip(*map(to_patches, images), strict=True))
        inputs = {"patches": patches, "patch_mask": mask, "patch_positions": positions}
        return self.vision.run(["patch_features"], inputs)[0], mask, positions

    def empty_state(self, rows: int) -> dict[str, np.ndarray]:
        """The state at the start of sequences."""
        return {name: np.zeros((rows, *shape), kind) for name, (shape, kind) in self.state.items()}

    def step(
        self, ids: np.ndarray, features: np.ndarray, mask: np.ndarray, state: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Logits [N, T, V], attention to patches [N, T, 64] and the state after int64 ids [N, T]."""
        outputs = ["logits", "cross_attention", *(name.replace("_in", "_out") for name in state)]
        logits, attention, *rest = self.decoder.run(
            outputs, {"input_ids": ids, "patch_features": features, "patch_mask": mask, **state})
        return logits, attention, dict(zip(state, rest, strict=True))

    def greedy(
        self, features: np.ndarray, mask: np.ndarray, prompts: list[list[int]], limit: int = 48
    ) -> list[Generated]:
        """Continues one prompt for each picture; prompts of one length run together."""
        results: list[Generated | None] = [None] * len(prompts)
        by_length: dict[int, list[int]] = {}
        for index, prompt in enumerate(prompts):
            by_length.setdefault(len(prompt), []).append(index)
        for rows in by_length.values():
            said = self._together(features[rows], mask[rows], np.array([prompts[row] for row in rows]), limit)
            for row, generated in zip(rows, said, strict=True):
                results[row] = generated
        return results

    def _together(self, features: np.ndarray, mask: np.ndarray, prompts: np.ndarray, limit: int) -> list[Generated]:
        count = len(prompts)
        said: list[list[int]] = [[] for _ in range(count)]
        ended, margins = np.zeros(count, bool), np.full(count, np.inf)
        logits, _, state = self.step(prompts, features, mask, self.empty_state(count))
        none, unmasked = features[:, :0], mask[:, :0]
        for length in range(prompts.shape[1], min(prompts.shape[1] + limit, self.context_length)):
            last = logits[:, -1]
            best = last.argmax(1)
            top = np.partition(last, -2, axis=1)[:, -2:]
            margins = np.where(ended, margins, np.minimum(margins, top[:, 1] - top[:, 0]))
            ended |= best == END
            for row in np.flatnonzero(~ended):
                said[row].append(int(best[row]))
            if ended.all() or length + 1 == self.context_length:
                break
            logits, _, state = self.step(best[:, None].astype(np.int64), none, unmasked, state)
        return [Generated(said[row], bool(ended[row]), float(margins[row])) for row in range(count)]

    def text(self, ids: list[int]) -> str:
        """The words of tokens, without the space before them."""
        return self.tokenizer.decode(ids).strip()


def heads(repository: Path) -> tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession]:
    """The models of depth and emotion."""
    return tuple(session(repository / name / "1" / "model.onnx") for name in ("pico_depth", "pico_emotion"))
