"""Writes the golden vectors that the service's tests compare with.

Every picture of ``examples/`` and some thirty texts go through Pillow, Hugging Face tokenizers and
ONNX Runtime, as any other client of the models would use them. ``training/golden/run`` makes the
environment and runs this; do so whenever the models or the examples change.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import PIL
import tokenizers
from PIL import Image, ImageOps

from pico.patches import naflex_grid, to_patches

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = ROOT / "model-repository"
GOLDEN = ROOT / "src" / "test" / "resources" / "golden" / "pico.json"
PICTURES = {".jpg", ".png", ".gif", ".bmp"}

TEXTS = (
    "a cat", "cat", "a picture of a cat", "an image of a dog", "a drawing of an owl", "this is a red car",
    "a cat to the left of a red car", "two apples and a banana on a white background",
    "three blue elephants under a grey sky", "a house, a tree and the sun", "A PICTURE OF A CAT",
    "  spaces   before, between and after  ", " ", "?", "it's the dog's ball, isn't it?", "line one\nline two\ttab",
    "a photo of something the model has never seen: a helicopter parent",
    "12 345.67 %", "naïve café, Ærøskøbing",
    "ein Kätzchen auf dem Tisch", "кошка и собака",
    "猫と犬", "고양이", "قطة", "🐈‍⬛ and 🚗", "ﬁne ligatures and ① numbers",
    "e\u0301 and \u00e9", "weapons, alcohol, tobacco, gambling, drugs", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "a bear and a fox and an owl and a penguin and a lion and a tiger and a zebra on green ground under a blue sky",
    "<s> not a special token </s>",
)


def main() -> None:
    golden = {
        "made_with": {
            "onnxruntime": onnxruntime.__version__,
            "pillow": PIL.__version__,
            "tokenizers": tokenizers.__version__,
            "numpy": np.__version__,
            "intra_op_threads": 1,
        },
        "models": {name: digest(REPOSITORY / name / "1" / "model.onnx") for name in ("pico_vision", "pico_text")},
        "images": images(),
        "texts": texts(),
    }
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(as_lines(golden), encoding="utf-8")
    print(f"{len(golden['images'])} images and {len(golden['texts'])} texts in {GOLDEN.relative_to(ROOT)}")


def images() -> list[dict]:
    """One entry a picture, each embedded alone."""
    model = session("pico_vision")
    entries = []
    for file in sorted(path for path in (ROOT / "examples").iterdir() if path.suffix in PICTURES):
        with Image.open(file) as image:
            oriented = ImageOps.exif_transpose(image)
            patches, mask, positions = to_patches(image)
        (embedding,) = model.run(
            ["image_embedding"],
            {"patches": patches[None], "patch_mask": mask[None], "patch_positions": positions[None]},
        )
        entries.append({
            "file": f"examples/{file.name}",
            "width": oriented.width,
            "height": oriented.height,
            "grid": list(naflex_grid(oriented.height, oriented.width)),
            "patches_sha256": hashlib.sha256(patches.tobytes()).hexdigest(),
            "patch_count": int(mask.sum()),
            "patch_positions": positions.reshape(-1).tolist(),
            "image_embedding": floats(embedding[0]),
        })
    return entries


def texts() -> list[dict]:
    """One entry a text, each embedded alone and without padding."""
    model = session("pico_text")
    tokenizer = tokenizers.Tokenizer.from_file(str(REPOSITORY / "pico_text" / "assets" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    entries = []
    # What a caller writes is text, also where it spells a special token: the service encodes it so.
    tokenizer.encode_special_tokens = True
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        (embedding,) = model.run(
            ["text_embedding"],
            {"input_ids": np.array([ids], np.int64), "attention_mask": np.ones((1, len(ids)), np.int64)},
        )
        entries.append({"text": text, "input_ids": ids, "text_embedding": floats(embedding[0])})
    return entries


def session(model: str) -> onnxruntime.InferenceSession:
    """One thread, so that the sums are always formed in the same order."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    path = REPOSITORY / model / "1" / "model.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def floats(vector: np.ndarray) -> list[float]:
    """The shortest decimals that give back each float32."""
    return [float(str(value)) for value in vector.astype(np.float32)]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def as_lines(golden: dict) -> str:
    """JSON with one line an entry, so that a difference can be read."""
    lines = ["{"]
    for key in ("made_with", "models"):
        lines.append(f" {json.dumps(key)}: {json.dumps(golden[key])},")
    for key, end in (("images", ","), ("texts", "")):
        entries = ",\n".join(f"  {json.dumps(entry, ensure_ascii=False)}" for entry in golden[key])
        lines.append(f' {json.dumps(key)}: [\n{entries}\n ]{end}')
    return "\n".join([*lines, "}"]) + "\n"


if __name__ == "__main__":
    main()
