"""Checks exported models against the contract: signatures, padding, neighbours, batch sizes, grids.

``python -m pico.validate FOLDER`` prints the largest difference seen in each model that is there and fails above 1e-5.
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


def validate_cnn(folder: Path) -> float:
    """Runs pictures alone, together and in other orders. Returns the largest difference."""
    model = session(folder / "1" / "model.onnx")
    _expect_signature(model, {"pixel_values": "tensor(uint8)"}, ("image_embedding", "cell_embeddings"))
    _expect_configuration(model, folder / "config.pbtxt")
    pictures = np.random.default_rng(14).integers(0, 256, (9, 3, 128, 128), np.uint8)
    alone = [model.run(None, {"pixel_values": pictures[row : row + 1]}) for row in range(len(pictures))]
    worst = 0.0
    for rows in ([*range(9)], [8, 3, 0], [5] * 64):
        together = model.run(None, {"pixel_values": pictures[rows]})
        for at, row in enumerate(rows):
            differences = (np.abs(t[at] - a[0]).max() for t, a in zip(together, alone[row], strict=True))
            worst = max(worst, *map(float, differences))
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


def validate_decoder(folder: Path) -> float:
    """Runs sequences whole, in pieces, together and side by side at other lengths. Returns the largest difference."""
    model = session(folder / "1" / "model.onnx")
    _expect_configuration(model, folder / "config.pbtxt")
    shapes = {node.name: node.shape[1:] for node in model.get_inputs()}
    rng = np.random.default_rng(12)
    ids = rng.integers(16, 2000, (3, 24))
    features = rng.standard_normal((3, 64, shapes["patch_features"][1]), np.float32)
    mask = np.arange(64) < np.array([[64], [63], [48]])
    features[~mask] = 0

    def steps(rows: list[int], pieces: list[tuple[int, int]], patches: int = 64) -> tuple[np.ndarray, list]:
        state = [np.zeros((len(rows), *shapes[name]), np.int64 if name == "length_in" else np.float32)
                 for name in ("cache_in", "memory_in", "length_in")]
        logits = []
        for start, end in pieces:
            seen = patches if start == 0 else 0
            part, attention, *state = _step(
                model, ids[rows, start:end], features[rows, :seen], mask[rows, :seen], state)
            padding = attention * ~mask[rows][:, None]
            if np.abs(attention.sum(-1) - 1).max() > TOLERANCE or padding.any():
                raise ValueError("cross_attention is no distribution over the real patches")
            logits.append(part)
        return np.concatenate(logits, axis=1), state

    whole, _ = steps([0, 1, 2], [(0, 24)])
    worst = float(np.abs(steps([0, 1, 2], [(0, 1), (1, 9), *((i, i + 1) for i in range(9, 24))])[0] - whole).max())
    for row in range(3):
        worst = max(worst, float(np.abs(steps([row], [(0, 24)])[0] - whole[row]).max()))
    worst = max(worst, float(np.abs(steps([1], [(0, 24)], patches=63)[0] - whole[1]).max()))
    (_, short), (_, long) = steps([0], [(0, 5)]), steps([1], [(0, 17)])
    both = [np.concatenate(tensors) for tensors in zip(short, long, strict=True)]
    side_by_side, *_ = _step(model, np.array([[ids[0, 5]], [ids[1, 17]]]), features[:2, :0], mask[:2, :0], both)
    return max(worst, float(np.abs(side_by_side[:, 0] - whole[[0, 1], [5, 17]]).max()))


def _step(
    model: onnxruntime.InferenceSession, ids: np.ndarray, features: np.ndarray, mask: np.ndarray, state: list
) -> list[np.ndarray]:
    names = ("cache", "memory", "length")
    inputs = {f"{name}_in": tensor for name, tensor in zip(names, state, strict=True)}
    return model.run(["logits", "cross_attention", *(f"{name}_out" for name in names)], {
        "input_ids": ids.astype(np.int64), "patch_features": features, "patch_mask": mask, **inputs})


def validate_head(folder: Path) -> float:
    """Runs ``pico_depth`` or ``pico_emotion`` alone, together and padded. Returns the largest difference."""
    model = session(folder / "1" / "model.onnx")
    _expect_configuration(model, folder / "config.pbtxt")
    inputs = {node.name: node for node in model.get_inputs()}
    rng = np.random.default_rng(13)
    features = rng.standard_normal((3, 70, inputs["patch_features"].shape[2]), np.float32)
    counts = (64, 70, 5)
    tensors = {"patch_features": features, "patch_mask": np.arange(70) < np.array(counts)[:, None],
               "patch_positions": rng.integers(0, 16, (3, 70, 2), np.int32)}
    features[~tensors["patch_mask"]] = 0
    tensors = {name: tensor for name, tensor in tensors.items() if name in inputs}
    (together,) = model.run(None, tensors)
    worst = 0.0
    for row, count in enumerate(counts):
        (alone,) = model.run(None, {name: tensor[row : row + 1, :count] for name, tensor in tensors.items()})
        mine = together[row] if together.ndim == 2 else together[row, :count]
        worst = max(worst, float(np.abs(alone[0] - mine).max()))
        if together.ndim == 3 and together[row, count:].any():
            raise ValueError("the output of padding is not zero")
    labels = folder / "labels.txt"
    if labels.exists() and len(labels.read_text().splitlines()) != model.get_outputs()[0].shape[1]:
        raise ValueError(f"{labels.name}: another number of labels than of logits")
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
    """Every tensor of ``config.pbtxt`` is one of the graph, of its type and with its fixed dimensions.

    A state is written once, with the name of its output at its end, and has the dimensions of its input.
    """
    tensor = re.compile(r'name: "(\w+)"\s+data_type: TYPE_(\w+)\s+dims: \[ ([-\d, ]+) \]')
    written = {name: (kind, tuple(map(int, dims.split(",")))) for name, kind, dims in tensor.findall(path.read_text())}
    found = {
        node.name: (TRITON_TYPES[node.type], tuple(d if isinstance(d, int) else -1 for d in node.shape[1:]))
        for node in (*model.get_inputs(), *model.get_outputs())
    }
    for name in [name for name in found if name.endswith("_in")]:
        found[name.replace("_in", "_out")] = found.pop(name)
    if written != found:
        raise ValueError(f"{path.name}: {written} (expected: {found})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path)
    repository = parser.parse_args().repository
    checks = {"pico_vision": validate_vision, "pico_vision_int8": validate_vision, "pico_cnn": validate_cnn,
              "pico_text": validate_text,
              "pico_decoder": validate_decoder, "pico_depth": validate_head, "pico_emotion": validate_head}
    for name, check in checks.items():
        if not (repository / name).exists():
            continue
        worst = check(repository / name)
        print(f"{name}: largest difference {worst:.1e}")
        if worst > TOLERANCE:
            raise SystemExit(f"{name}: above {TOLERANCE}")


if __name__ == "__main__":
    main()
