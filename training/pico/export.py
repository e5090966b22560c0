"""Writes the model repository's folders of the family: ONNX files, Triton configuration, assets.

``python -m pico.export --run NAME [--repository FOLDER]``
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import re
from pathlib import Path

import numpy as np
import onnx
import torch
from tokenizers import Tokenizer
from torch import nn

from pico.calibration import Calibration
from pico.text import TextEncoder
from pico.tokens import save_tokenizer
from pico.train import averaged_encoders, averaged_vision
from pico.vision import VisionEncoder
from scenes.captions import HYPOTHESIS_TEMPLATES
from scenes.drawings import CACHE, TRAINING

REPOSITORY = TRAINING.parent / "model-repository"
OPSET = 17
MAX_BATCH = 64
DEFAULT_PATCHES = 64


def export_vision(encoder: VisionEncoder, folder: Path) -> Path:
    """``model.onnx`` of the image encoder; see ``VisionEncoder.forward`` for its contract."""
    patches = torch.randint(0, 256, (2, 6, 768), dtype=torch.uint8)
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    positions = torch.stack((torch.arange(6) // 3, torch.arange(6) % 3), -1).expand(2, 6, 2).int().contiguous()
    return export(
        encoder,
        (patches, mask, positions),
        folder,
        inputs={name: {0: "batch", 1: "patches_per_image"} for name in ("patches", "patch_mask", "patch_positions")},
        outputs={
            "image_embedding": {0: "batch"},
            "patch_features": {0: "batch", 1: "patches_per_image"},
            "patch_embeddings": {0: "batch", 1: "patches_per_image"},
        },
        half=True,
    )


def export_text(encoder: TextEncoder, folder: Path) -> Path:
    """``model.onnx`` of the text encoder; see ``TextEncoder.forward`` for its contract."""
    ids = torch.tensor([[1, 20, 30, 2], [1, 40, 2, 0]])
    return export(
        encoder,
        (ids, (ids != 0).long()),
        folder,
        inputs={name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask")},
        outputs={"text_embedding": {0: "batch"}},
    )


def export(
    model: nn.Module, example: tuple, folder: Path, inputs: dict, outputs: dict, *, half: bool = False
) -> Path:
    """``1/model.onnx`` in the folder; inputs and outputs are the dynamic axes by name."""
    buffer = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            model.eval(),
            example,
            buffer,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=inputs | outputs,
            opset_version=OPSET,
            do_constant_folding=True,
            dynamo=False,
        )
    graph = onnx.load_from_string(buffer.getvalue())
    return write_model(stored_in_half(graph) if half else graph, folder)


def write_model(graph: onnx.ModelProto, folder: Path) -> Path:
    """``1/model.onnx`` in the folder, checked, the same bytes for the same graph."""
    _forget_where_it_was_made(graph)
    onnx.checker.check_model(graph, full_check=True)
    path = folder / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.SerializeToString(deterministic=True))
    return path


def stored_in_half(graph: onnx.ModelProto, least: int = 1024) -> onnx.ModelProto:
    """The same graph with its larger weights in float16 on disk; they are made float32 when a session opens it."""
    casts = []
    for weights in graph.graph.initializer:
        if weights.data_type == onnx.TensorProto.FLOAT and math.prod(weights.dims) >= least:
            name, half = weights.name, f"{weights.name}_half"
            array = onnx.numpy_helper.to_array(weights).astype(np.float16)
            weights.CopyFrom(onnx.numpy_helper.from_array(array, half))
            casts.append(onnx.helper.make_node("Cast", [half], [name], f"{name}_float", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return graph


def restored_in_single(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph of ``stored_in_half`` with its weights in float32 again, for what wants to see them as they are."""
    weights = {weight.name: weight for weight in graph.graph.initializer}
    kept = []
    for node in graph.graph.node:
        if node.op_type == "Cast" and node.input[0] in weights:
            half = weights[node.input[0]]
            array = onnx.numpy_helper.to_array(half).astype(np.float32)
            half.CopyFrom(onnx.numpy_helper.from_array(array, node.output[0]))
        else:
            kept.append(node)
    del graph.graph.node[:]
    graph.graph.node.extend(kept)
    return graph


def _forget_where_it_was_made(graph: onnx.ModelProto) -> None:
    """Nodes carry stack traces with file names; the served file has no use for them."""
    graph.doc_string = ""
    del graph.metadata_props[:]
    for node in graph.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*graph.graph.value_info, *graph.graph.input, *graph.graph.output):
        value.doc_string = ""


def write_repository(run: Path, repository: Path, calibration: Calibration) -> dict[str, str]:
    """Writes both folders from the run's checkpoints. Returns the SHA-256 of each ONNX file by model."""
    vision, state = averaged_vision(run)
    _, text, _ = averaged_encoders(run / "checkpoint.pt")
    vision_folder, text_folder = repository / "pico_vision", repository / "pico_text"
    vision_onnx = export_vision(vision, vision_folder)
    text_onnx = export_text(text, text_folder)
    digests = {"pico_vision": digest(vision_onnx), "pico_text": digest(text_onnx)}
    space = f"pico-{hashlib.sha256(''.join(digests.values()).encode()).hexdigest()[:8]}"
    width, dim = vision.config.width, vision.config.projection_dim
    (vision_folder / "config.pbtxt").write_text(vision_configuration(space, width, dim))
    (text_folder / "config.pbtxt").write_text(text_configuration(space, dim))
    for folder in (vision_folder, text_folder):
        for other in folder.glob("configs/*.pbtxt"):
            other.write_text(re.sub(r'"pico-[0-9a-f]{8}"', f'"{space}"', other.read_text()))
        write_json(folder / "assets" / "config.json", scores(dim, calibration))
    write_json(vision_folder / "assets" / "preprocessor_config.json", PREPROCESSOR)
    save_tokenizer(Tokenizer.from_file(str(run / "tokenizer.json")), text_folder / "assets")
    return digests | {"space": space, "step": str(state["step"])}


def scores(dim: int, calibration: Calibration) -> dict:
    """``config.json``: what the vectors are, and how cosines become scores."""
    return {
        "model_type": "pico",
        "projection_dim": dim,
        **calibration.as_dict(),
        "activation": "softmax",
        "hypothesis_templates": list(HYPOTHESIS_TEMPLATES),
    }


PREPROCESSOR = {
    "image_processor_type": "FoveaPatchImageProcessor",
    "backend": "pil",
    "do_convert_rgb": True,
    "do_resize": True,
    "resample": 2,
    "patch_size": 16,
    "max_num_patches": DEFAULT_PATCHES,
    "max_patches_per_side": 16,
}


def vision_configuration(space: str, width: int, dim: int, name: str = "pico_vision") -> str:
    """``config.pbtxt`` of the image encoder over patches."""
    return configuration(name, "vision", space, [
        ("patches", "TYPE_UINT8", "-1, 768"),
        ("patch_mask", "TYPE_BOOL", "-1"),
        ("patch_positions", "TYPE_INT32", "-1, 2"),
    ], [
        ("image_embedding", "TYPE_FP32", f"{dim}"),
        ("patch_features", "TYPE_FP32", f"-1, {width}"),
        ("patch_embeddings", "TYPE_FP32", f"-1, {dim}"),
    ])


def text_configuration(space: str, dim: int) -> str:
    """``config.pbtxt`` of the text encoder."""
    return configuration("pico_text", "text", space, [
        ("input_ids", "TYPE_INT64", "-1"),
        ("attention_mask", "TYPE_INT64", "-1"),
    ], [("text_embedding", "TYPE_FP32", f"{dim}")])


def tensors(field: str, rows: list, labels: dict[str, str] | None = None) -> str:
    """The ``input`` or ``output`` list of a configuration."""
    entries = ",\n".join(
        f'  {{\n    name: "{tensor}"\n    data_type: {kind}\n    dims: [ {dims} ]\n'
        + (f'    label_filename: "{labels[tensor]}"\n' if labels and tensor in labels else "") + "  }"
        for tensor, kind, dims in rows
    )
    return f"{field} [\n{entries}\n]\n"


def configuration(
    name: str, role: str, space: str, inputs: list, outputs: list, scheduler: str = "dynamic_batching { }\n",
    max_batch: int = MAX_BATCH, parameters: dict[str, str] | None = None, labels: dict[str, str] | None = None,
) -> str:
    """``config.pbtxt`` of a model on ONNX Runtime."""
    keys = {"family": "pico", "role": role, "space": space, "intra_op_thread_count": "1", **(parameters or {})}
    return (
        f'name: "{name}"\n'
        'backend: "onnxruntime"\n'
        f"max_batch_size: {max_batch}\n"
        + tensors("input", inputs)
        + tensors("output", outputs, labels)
        + scheduler
        + "instance_group [\n  {\n    count: 2\n    kind: KIND_CPU\n  }\n]\n"
        + "".join(
            f'parameters {{\n  key: "{key}"\n  value: {{ string_value: "{value}" }}\n}}\n'
            for key, value in keys.items()
        )
    )


def write_json(path: Path, value: dict) -> None:
    """The value, indented, in a file whose folder is made; a list of numbers is one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=2)
    path.write_text(re.sub(r"\[[-+\d.e,\s]+\]", lambda numbers: " ".join(numbers[0].split()), text) + "\n")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    parser.add_argument("--repository", type=Path, default=REPOSITORY)
    options = parser.parse_args()
    run = CACHE / "runs" / options.run
    for name, value in write_repository(run, options.repository, Calibration.read(run)).items():
        print(f"{name} {value}")


if __name__ == "__main__":
    main()
