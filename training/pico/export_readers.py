"""Writes the folders of the models that read patch features: ``pico_decoder``, ``pico_depth``, ``pico_emotion``.

``python -m pico.export_readers --run NAME [--repository FOLDER]``; the encoders must be in the repository already.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import torch

from pico.decoder import CONTEXT_LENGTH, MAX_PATCHES, DecoderConfig, Stepper
from pico.export import REPOSITORY, configuration, digest, export, tensors, write_json
from pico.heads import CELLS, EMOTION_LABELS
from pico.special_tokens import BEGIN, DETAILED, END, PAD
from pico.tokens import MAX_LENGTH
from pico.train_readers import Readers, averaged_readers
from scenes.drawings import CACHE

MAX_SEQUENCES = 64
"""Sequences that a server keeps for one instance of the decoder."""
MAX_STEP_BATCH = 32
MAX_NEW_TOKENS = 48

CHAT_TEMPLATE = (
    "<s>{% if task == 'caption' %}<caption>{% if detailed %}<detailed>{% endif %}"
    "{% else %}{% for message in messages %}"
    "{% if message['role'] == 'user' %}<question> {{ message['content'] }}"
    "{% else %}<answer> {{ message['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<answer>{% endif %}{% endif %}"
)
"""``task`` is "caption" (then ``detailed`` counts) or absent (then ``messages``)."""


def write_readers(readers: Readers, encoders: Path, repository: Path) -> dict[str, str]:
    """Writes the three folders. Returns the SHA-256 of each ONNX file by model."""
    space = re.search(r'key: "space"\s+value: \{ string_value: "([^"]+)"', (
        encoders / "pico_vision" / "config.pbtxt").read_text()).group(1)
    paths = {
        "pico_decoder": write_decoder(readers, space, encoders, repository / "pico_decoder"),
        "pico_depth": write_depth(readers, space, repository / "pico_depth"),
        "pico_emotion": write_emotion(readers, space, repository / "pico_emotion"),
    }
    return {name: digest(path) for name, path in paths.items()}


def state_tensors(config: DecoderConfig) -> dict[str, tuple[str, str, list[int]]]:
    """What a sequence remembers: name to Triton type, numpy type and dimensions."""
    keys_and_values = 2 * config.depth * config.head_width
    return {
        "cache": ("TYPE_FP32", "float32", [2 * config.depth, CONTEXT_LENGTH, config.head_width]),
        "memory": ("TYPE_FP32", "float32", [MAX_PATCHES, keys_and_values + 1]),
        "length": ("TYPE_INT64", "int64", [1]),
    }


def write_decoder(readers: Readers, space: str, encoders: Path, folder: Path) -> Path:
    """``model.onnx``, configurations and assets of the decoder; see ``Stepper.forward`` for its contract."""
    config = readers.decoder.config
    states = state_tensors(config)
    example = (
        torch.tensor([[BEGIN, 3, 20], [BEGIN, 4, 21]]), torch.randn(2, 12, config.features),
        torch.ones(2, 12, dtype=torch.bool),
        *(torch.zeros(2, *dims, dtype=getattr(torch, kind)) for _, kind, dims in states.values()),
    )
    batch = {0: "batch"}
    path = export(
        Stepper(readers.decoder), example, folder,
        inputs={
            "input_ids": {0: "batch", 1: "tokens"}, "patch_features": {0: "batch", 1: "patches"},
            "patch_mask": {0: "batch", 1: "patches"}, **{f"{name}_in": batch for name in states},
        },
        outputs={
            "logits": {0: "batch", 1: "tokens"}, "cross_attention": {0: "batch", 1: "tokens"},
            **{f"{name}_out": batch for name in states},
        },
        half=True,
    )
    inputs = [("input_ids", "TYPE_INT64", "-1"), ("patch_features", "TYPE_FP32", f"-1, {config.features}"),
              ("patch_mask", "TYPE_BOOL", "-1")]
    outputs = [("logits", "TYPE_FP32", f"-1, {config.vocabulary}"), ("cross_attention", "TYPE_FP32",
                                                                     f"-1, {MAX_PATCHES}")]
    parameters = {"image_features": "patch_features", "max_images": "1", "context_length": str(CONTEXT_LENGTH)}
    scheduler = sequence_batching(states)
    (folder / "config.pbtxt").write_text(configuration(
        "pico_decoder", "decoder", space, inputs, outputs, scheduler=scheduler, max_batch=MAX_STEP_BATCH,
        parameters=parameters))
    fixed = {f"{name}_in": dims for name, (_, _, dims) in states.items()}
    write_tensorrt(
        folder, "decoder", space, inputs, outputs, scheduler, MAX_STEP_BATCH, parameters, "fp32",
        "text must not depend on the precision of a step, and steps are small.",
        {"input_ids": [[1], [1], [CONTEXT_LENGTH]], "patch_features": _rows(0, 0, 64, config.features),
         "patch_mask": [[0], [0], [MAX_PATCHES]], **{name: [dims] * 3 for name, dims in fixed.items()}})
    assets = folder / "assets"
    write_json(assets / "config.json", {
        "model_type": "pico_decoder", "vocab_size": config.vocabulary, "hidden_size": config.width,
        "num_hidden_layers": config.depth, "num_attention_heads": config.heads, "num_key_value_heads": 1,
        "head_dim": config.head_width, "intermediate_size": config.mlp_width,
        "max_position_embeddings": CONTEXT_LENGTH, "max_num_patches": MAX_PATCHES,
    })
    write_json(assets / "generation_config.json", {
        "bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": PAD, "max_length": CONTEXT_LENGTH,
        "max_new_tokens": MAX_NEW_TOKENS, "do_sample": False,
    })
    write_decoder_tokenizer(encoders / "pico_text" / "assets", assets)
    return path


def write_decoder_tokenizer(encoder: Path, assets: Path) -> None:
    """The tokenizer of the text encoder, with one of its reserved tokens named and a chat template."""
    reserved = "<reserved_0>"
    text = (encoder / "tokenizer.json").read_text()
    tokenizer = json.loads(text.replace(f'"{reserved}"', '"<detailed>"'))
    found = tokenizer["model"]["vocab"].get("<detailed>")
    if found != DETAILED:
        raise ValueError(f"<detailed> has the id {found} (expected: {DETAILED})")
    (assets / "tokenizer.json").write_text(text.replace(f'"{reserved}"', '"<detailed>"'))
    config = json.loads((encoder / "tokenizer_config.json").read_text())
    if config["model_max_length"] != MAX_LENGTH:
        raise ValueError(f"model_max_length: {config['model_max_length']} (expected: {MAX_LENGTH})")
    config["model_max_length"] = CONTEXT_LENGTH
    config["additional_special_tokens"] = [
        "<detailed>" if token == reserved else token for token in config["additional_special_tokens"]]
    config["chat_template"] = CHAT_TEMPLATE
    write_json(assets / "tokenizer_config.json", config)


def write_depth(readers: Readers, space: str, folder: Path) -> Path:
    """``model.onnx`` and configurations of the depth head; see ``Depth.forward``."""
    width = readers.decoder.config.features
    positions = torch.stack((torch.arange(6) // 3, torch.arange(6) % 3), -1).expand(2, 6, 2).int().contiguous()
    names = ("patch_features", "patch_mask", "patch_positions")
    path = export(readers.depth, (torch.randn(2, 6, width), torch.ones(2, 6, dtype=torch.bool), positions), folder,
                  inputs={name: {0: "batch", 1: "patches"} for name in names},
                  outputs={"depth": {0: "batch", 1: "patches"}})
    inputs = [("patch_features", "TYPE_FP32", f"-1, {width}"), ("patch_mask", "TYPE_BOOL", "-1"),
              ("patch_positions", "TYPE_INT32", "-1, 2")]
    outputs = [("depth", "TYPE_FP32", f"-1, {CELLS * CELLS}")]
    (folder / "config.pbtxt").write_text(configuration("pico_depth", "depth", space, inputs, outputs))
    write_tensorrt(
        folder, "depth", space, inputs, outputs, BATCHING, 64, {}, "fp16", "maps are looked at, not compared.",
        {"patch_features": _rows(1, 64, 256, width), "patch_mask": [[1], [64], [256]],
         "patch_positions": _rows(1, 64, 256, 2)})
    return path


def write_emotion(readers: Readers, space: str, folder: Path) -> Path:
    """``model.onnx``, labels and configurations of the emotion head; see ``Emotion.forward``."""
    width = readers.decoder.config.features
    path = export(readers.emotion, (torch.randn(2, 6, width), torch.ones(2, 6, dtype=torch.bool)), folder,
                  inputs={name: {0: "batch", 1: "patches"} for name in ("patch_features", "patch_mask")},
                  outputs={"logits": {0: "batch"}})
    inputs = [("patch_features", "TYPE_FP32", f"-1, {width}"), ("patch_mask", "TYPE_BOOL", "-1")]
    outputs = [("logits", "TYPE_FP32", f"{len(EMOTION_LABELS)}")]
    labels = {"logits": "labels.txt"}
    (folder / "labels.txt").write_text("\n".join(EMOTION_LABELS) + "\n")
    (folder / "config.pbtxt").write_text(configuration(
        "pico_emotion", "emotion", space, inputs, outputs, labels=labels))
    write_tensorrt(
        folder, "emotion", space, inputs, outputs, BATCHING, 64, {}, "fp32",
        "the head is small, so there is little to gain.",
        {"patch_features": _rows(1, 64, 256, width), "patch_mask": [[1], [64], [256]]}, labels)
    return path


def sequence_batching(states: dict[str, tuple[str, str, list[int]]]) -> str:
    """Triton's scheduler of stepped models with implicit state, which begins as zeros."""
    entries = ",\n".join(
        f'    {{\n      input_name: "{name}_in"\n      output_name: "{name}_out"\n      data_type: {kind}\n'
        f"      dims: [ {_listed(dims)} ]\n      initial_state {{\n        name: \"{name} at the start\"\n"
        f"        data_type: {kind}\n        dims: [ {_listed(dims)} ]\n        zero_data: true\n      }}\n    }}"
        for name, (kind, _, dims) in states.items()
    )
    return (
        "sequence_batching {\n  max_sequence_idle_microseconds: 10000000\n"
        f"  oldest {{\n    max_candidate_sequences: {MAX_SEQUENCES}\n  }}\n  state [\n{entries}\n  ]\n}}\n"
    )


BATCHING = """# The sizes that the profile is tuned for and its halves; nothing waits for more rows to come.
dynamic_batching {
  preferred_batch_size: [ 16, 32, 64 ]
}
"""


def write_tensorrt(
    folder: Path, role: str, space: str, inputs: list, outputs: list, scheduler: str, max_batch: int,
    parameters: dict[str, str], precision: str, reason: str, shapes: dict[str, list[list[int]]],
    labels: dict[str, str] | None = None,
) -> None:
    """``configs/tensorrt.pbtxt``; shapes are those of a row: least, most usual, largest."""
    name = folder.name
    profile = {
        f"trt_{which}_shapes": ",".join(
            f"{tensor}:" + "x".join(map(str, [batch, *dims[index]])) for tensor, dims in shapes.items())
        for index, (which, batch) in enumerate((("min", 1), ("opt", min(32, max_batch)), ("max", max_batch)))
    }
    keys = {"family": "pico", "role": role, "space": space, **parameters, "trt_precision": precision, **profile}
    text = (
        f"# {name} as a TensorRT engine. Chosen by `--model-config-name=tensorrt` at Triton and"
        " `fovea.model-config-name=tensorrt` at\n"
        "# Fovea, so that both read this file. `model-repository/build-engines` builds 1/model.plan from 1/model.onnx"
        " as the\n# parameters trt_* at the end say.\n#\n"
        f"# Precision is {precision.upper()}: {reason}\n"
        f'name: "{name}"\nbackend: "tensorrt"\nplatform: "tensorrt_plan"\nmax_batch_size: {max_batch}\n'
        + tensors("input", inputs) + tensors("output", outputs, labels) + scheduler
        + "instance_group [\n  {\n    count: 1\n    kind: KIND_GPU\n    profile: [ \"0\" ]\n  }\n]\n"
        + "".join(f'parameters {{\n  key: "{key}"\n  value: {{ string_value: "{value}" }}\n}}\n'
                  for key, value in keys.items())
    )
    path = folder / "configs" / "tensorrt.pbtxt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _rows(least: int, usual: int, most: int, width: int) -> list[list[int]]:
    return [[count, width] for count in (least, usual, most)]


def _listed(dims: list[int]) -> str:
    return ", ".join(map(str, dims))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    parser.add_argument("--encoders", type=Path, default=REPOSITORY, help="the repository that has the encoders")
    parser.add_argument("--repository", type=Path, default=REPOSITORY)
    options = parser.parse_args()
    readers, _ = averaged_readers(CACHE / "runs" / options.run / "readers.pt")
    for name, sha in write_readers(readers, options.encoders, options.repository).items():
        print(f"{name} {sha}")


if __name__ == "__main__":
    main()
