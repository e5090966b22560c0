"""Checks exported models against the contract: signatures, padding, neighbours, batch sizes, grids.

``python -m pico.validate FOLDER`` prints the largest difference seen and fails above 1e-5.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from pico.patches import grid_positions

TOLERANCE = 1e-5
VISION_INPUTS = {"patches": "tensor(uint8)", "patch_mask": "tensor(bool)", "patch_positions": "tensor(int32)"}
VISION_OUTPUTS = ("image_embedding", "patch_features", "patch_embeddings")
TRITON_TYPES = {
    "tensor(uint8)": "UINT8", "tensor(bool)": "BOOL", "tensor(int32)": "INT32", "tensor(int64)": "INT64",
    "tensor(float)": "FP32",
}
TEXT_INPUTS = {"input_ids": "tensor(int64)", "attention_mask": "tensor(int64)"}


def session(model: Path) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def validate_vision(folder: Path) -> float:
    """Runs images of several grids alone, together and padded. Returns the largest difference."""
    model = session(folder / "1" / "model.onnx")
    _expect_signature(model, VISION_INPUTS, VISION_OUTPUTS)
    _expect_configuration(model, folder / "config.pbtxt")
    rng = np.random.default_rng(11)
    grids = [(8, 8), (1, 1), (7, 9), (1, 16), (16, 1), (4, 16), (16, 16), (5, 3)]
    images = [
        (rng.integers(0, 256, (rows * columns, 768), np.uint8), grid_positions(rows, columns))
        for rows, columns in grids
    ]
    alone = [_run_vision(model, [image], len(image[0])) for image in images]
    worst = 0.0
    for padded in (256, 260):
        together = _run_vision(model, images, padded)
        worst = max(worst, _difference(alone, together, images))
        reversed_order = _run_vision(model, images[::-1], padded)
        worst = max(worst, _difference(alone[::-1], reversed_order, images[::-1]))
    many = _run_vision(model, [images[0]] * 64, 64)
    worst = max(worst, float(np.abs(many[0] - alone[0][0]).max()))
    for output, rows in zip(alone[0][::2], (1, 64), strict=True):
        lengths = np.linalg.norm(output.reshape(rows, -1), axis=1)
        if np.abs(lengths - 1).max() > 1e-4:
            raise ValueError(f"embeddings of length {lengths} (expected: 1)")
    return worst


def validate_text(folder: Path) -> float:
    """Runs texts alone, together and padded to 64. Returns the largest difference."""
    model = session(folder / "1" / "model.onnx")
    _expect_signature(model, TEXT_INPUTS, ("text_embedding",))
    _expect_configuration(model, folder / "config.pbtxt")
    tokenizer = Tokenizer.from_file(str(folder / "assets" / "tokenizer.json"))
    configuration = json.loads((folder / "assets" / "tokenizer_config.json").read_text())
    if tokenizer.token_to_id(configuration["pad_token"]) != 0:
        raise ValueError("the pad token has not the id 0")
    texts = ["a cat", "", "two red cars and a DOG next to a house", "🐈 ein Kätzchen 日本", "x" * 40]
    rows = [tokenizer.encode(text).ids for text in texts]
    if tokenizer.decode(rows[3]).strip() != "🐈 ein kätzchen 日本":
        raise ValueError("a text does not come back from its tokens")
    alone = [_run_text(model, [row], len(row))[0] for row in rows]
    worst = 0.0
    for length in (max(map(len, rows)), 64):
        together = _run_text(model, rows, length)
        worst = max(worst, float(np.abs(np.stack(alone) - together).max()))
    return worst


def _run_vision(model: onnxruntime.InferenceSession, images: list, padded: int) -> list[np.ndarray]:
    patches = np.full((len(images), padded, 768), 77, np.uint8)
    mask = np.zeros((len(images), padded), bool)
    positions = np.zeros((len(images), padded, 2), np.int32)
    for row, (cut, places) in enumerate(images):
        patches[row, : len(cut)], mask[row, : len(cut)], positions[row, : len(cut)] = cut, True, places
    return model.run(list(VISION_OUTPUTS), {"patches": patches, "patch_mask": mask, "patch_positions": positions})


def _run_text(model: onnxruntime.InferenceSession, rows: list[list[int]], length: int) -> np.ndarray:
    ids = np.zeros((len(rows), length), np.int64)
    mask = np.zeros((len(rows), length), np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, 1
    return model.run(["text_embedding"], {"input_ids": ids, "attention_mask": mask})[0]


def _difference(alone: list, together: list[np.ndarray], images: list) -> float:
    worst = 0.0
    for row, (cut, _) in enumerate(images):
        for index, output in enumerate(together):
            mine = output[row] if output.ndim == 2 else output[row, : len(cut)]
            worst = max(worst, float(np.abs(mine - alone[row][index][0]).max()))
            if output.ndim == 3 and output[row, len(cut) :].any():
                raise ValueError(f"output {index} of padding is not zero")
    return worst


def _expect_signature(model: onnxruntime.InferenceSession, inputs: dict[str, str], outputs: tuple[str, ...]) -> None:
    found = {node.name: node.type for node in model.get_inputs()}
    if found != inputs:
        raise ValueError(f"inputs {found} (expected: {inputs})")
    names = tuple(node.name for node in model.get_outputs())
    if names != outputs or any(node.type != "tensor(float)" for node in model.get_outputs()):
        raise ValueError(f"outputs {names} (expected: {outputs}, float32)")


def _expect_configuration(model: onnxruntime.InferenceSession, path: Path) -> None:
    """Every tensor of ``config.pbtxt`` is one of the graph, of its type and with its fixed dimensions."""
    tensor = re.compile(r'name: "(\w+)"\s+data_type: TYPE_(\w+)\s+dims: \[ ([-\d, ]+) \]')
    written = {name: (kind, tuple(map(int, dims.split(",")))) for name, kind, dims in tensor.findall(path.read_text())}
    found = {
        node.name: (TRITON_TYPES[node.type], tuple(d if isinstance(d, int) else -1 for d in node.shape[1:]))
        for node in (*model.get_inputs(), *model.get_outputs())
    }
    if written != found:
        raise ValueError(f"{path.name}: {written} (expected: {found})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path)
    repository = parser.parse_args().repository
    for name, check in (("pico_vision", validate_vision), ("pico_text", validate_text)):
        worst = check(repository / name)
        print(f"{name}: largest difference {worst:.1e}")
        if worst > TOLERANCE:
            raise SystemExit(f"{name}: above {TOLERANCE}")


if __name__ == "__main__":
    main()
