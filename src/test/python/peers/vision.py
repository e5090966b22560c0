"""The shipped vision model as a Python service has it: Pillow, NumPy and one session of ONNX Runtime on one thread."""

import functools
import io
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.append(str(ROOT / "training" / "pico"))
import patches  # noqa: E402  the reference of what the service does, NumPy and Pillow alone

# A picture's size decides on its grid; pictures of one size ask once.
patches.naflex_grid = functools.lru_cache(patches.naflex_grid)


class Vision:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            ROOT / "model-repository" / "pico_vision" / "1" / "model.onnx", options, providers=["CPUExecutionProvider"]
        )

    def embed(self, files: list[bytes]) -> list[bytes]:
        """A float32 vector, little-endian, for each image file."""
        rows = (patches.to_patches(Image.open(io.BytesIO(file))) for file in files)
        inputs = dict(zip(("patches", "patch_mask", "patch_positions"), map(np.stack, zip(*rows))))
        (vectors,) = self.session.run(["image_embedding"], inputs)
        return [vector.astype("<f4").tobytes() for vector in vectors]
