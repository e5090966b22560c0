"""The exported models as a service would use them: files in, vectors out. No torch here."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import Image
from tokenizers import Tokenizer

from pico.patches import to_patches, to_pixels
from pico.tokens import encode
from pico.validate import session
from scenes.captions import HYPOTHESIS_TEMPLATES, plain_prompts
from scenes.drawings import STYLES


class ServedTexts:
    """The text encoder of a repository on ONNX Runtime."""

    def __init__(self, repository: Path) -> None:
        self.text = session(repository / "pico_text" / "1" / "model.onnx")
        self.tokenizer = Tokenizer.from_file(str(repository / "pico_text" / "assets" / "tokenizer.json"))

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        """float32 [N, D] of length one."""
        parts = []
        for start in range(0, len(texts), 64):
            parts.append(self.embed(*encode(self.tokenizer, texts[start : start + 64])))
        return np.concatenate(parts)

    def embed(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """float32 [N, D] of length one, of texts as tokens."""
        return self.text.run(["text_embedding"], {"input_ids": ids, "attention_mask": mask})[0]

    def kinds(self, templates: tuple[str, ...] = HYPOTHESIS_TEMPLATES) -> np.ndarray:
        """float32 [kinds, D]: the mean over the templates, of length one, as the service makes it."""
        rows = np.mean([self.embed_texts(plain_prompts(template)) for template in templates], axis=0)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Served(ServedTexts):
    """Both encoders of a repository on ONNX Runtime, with the real preprocessing before them."""

    def __init__(self, repository: Path, vision: str = "pico_vision", styles: Collection[str] = STYLES) -> None:
        super().__init__(repository)
        self.vision = session(repository / vision / "1" / "model.onnx")
        self.inputs = [node.name for node in self.vision.get_inputs()]
        self.outputs = [node.name for node in self.vision.get_outputs() if node.name.endswith("_embedding")]
        self.outputs += [node.name for node in self.vision.get_outputs() if node.name.endswith("_embeddings")]
        self.styles = styles
        """Which it has learned from."""

    def prepare(self, images: list[Image.Image]) -> dict[str, np.ndarray]:
        """The tensors of a batch of images."""
        if self.inputs == ["pixel_values"]:
            return {"pixel_values": np.stack([to_pixels(image) for image in images])}
        tensors = zip(*map(to_patches, images), strict=True)
        return dict(zip(("patches", "patch_mask", "patch_positions"), map(np.stack, tensors), strict=True))

    def embed_images(self, images: list[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
        """Image embeddings float32 [N, D] and those of patches or cells [N, 64, D] (zero where padded)."""
        parts = [
            self.vision.run(self.outputs, self.prepare(images[start : start + 32]))
            for start in range(0, len(images), 32)
        ]
        whole, places = zip(*parts, strict=True)
        return np.concatenate(whole), np.concatenate(places)
