"""JPEG files to patches with Pillow and numpy, as one writes it who puts decoding into a Triton ensemble."""

import io
import math

import numpy as np
import triton_python_backend_utils as pb_utils
from PIL import Image

PATCH = 16
MAX_PATCHES = 64
MAX_SIDE = 16


def grid(height, width):
    """Rows and columns of patches: as many as fit, of the picture's proportions."""
    low, high = 1e-6, 100.0
    while high - low >= 1e-5:
        scale = (low + high) / 2
        if along(scale, height) * along(scale, width) <= MAX_PATCHES:
            low = scale
        else:
            high = scale
    return min(along(low, height), MAX_SIDE), min(along(low, width), MAX_SIDE)


def along(scale, side):
    return max(1, math.ceil(side * scale / PATCH))


def patches(jpeg):
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    rows, columns = grid(picture.height, picture.width)
    picture = np.asarray(picture.resize((columns * PATCH, rows * PATCH), Image.Resampling.BILINEAR))
    count = rows * columns
    cut = np.zeros((MAX_PATCHES, PATCH * PATCH * 3), np.uint8)
    cut[:count] = picture.reshape(rows, PATCH, columns, PATCH, 3).transpose(0, 2, 1, 3, 4).reshape(count, -1)
    positions = np.zeros((MAX_PATCHES, 2), np.int32)
    positions[:count] = np.stack(np.divmod(np.arange(count, dtype=np.int32), columns), axis=1)
    return cut, np.arange(MAX_PATCHES) < count, positions


class TritonPythonModel:
    def execute(self, requests):
        return [self.respond(request) for request in requests]

    def respond(self, request):
        files = pb_utils.get_input_tensor_by_name(request, "jpeg").as_numpy().reshape(-1)
        columns = [np.stack(column) for column in zip(*(patches(file) for file in files))]
        names = ("patches", "patch_mask", "patch_positions")
        return pb_utils.InferenceResponse([pb_utils.Tensor(*each) for each in zip(names, columns)])
