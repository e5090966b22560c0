"""The exported models as a service would use them: files in, vectors out. No torch here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from tokenizers import Tokenizer

from pico.patches import to_patches
from pico.tokens import encode
from pico.validate import session
from scenes.captions import HYPOTHESIS_TEMPLATES, plain_prompts


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

    def __init__(self, repository: Path) -> None:
        super().__init__(repository)
        self.vision = session(repository / "pico_vision" / "1" / "model.onnx")

    def embed_images(self, images: list[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
        """Image embeddings float32 [N, D] and patch embeddings [N, 64, D] (zero where padded)."""
        whole, parts = [], []
        for start in range(0, len(images), 32):
            inputs = [np.stack(tensors) for tensors in zip(*map(to_patches, images[start : start + 32]), strict=True)]
            names = ("patches", "patch_mask", "patch_positions")
            image, patches = self.vision.run(
                ["image_embedding", "patch_embeddings"], dict(zip(names, inputs, strict=True))
            )
            whole.append(image)
            parts.append(patches)
        return np.concatenate(whole), np.concatenate(parts)
