"""Writes a decoder that reads a picture, as shipped ones do: src/test/triton/models/reader/1/model.onnx.

    inputs   token INT64 [T], patches FP32 [P, 8], patch_mask BOOL [P]
    state    cache FP32 [32, 8], memory FP32 [8, 9], length INT64 [1]
    outputs  logits FP32 [T, 32]

The picture comes with the first step alone, P <= 8; afterwards it has no rows, and the model reads its memory. A step has
any number of tokens, so a prompt may come in one step or in several. The weights are random numbers of a fixed seed.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

OUT = Path(__file__).parents[1] / "triton" / "models" / "reader" / "1" / "model.onnx"
LENGTH, WIDTH, TOKENS, PATCHES = 32, 8, 32, 8


def main() -> None:
    random = np.random.default_rng(11)
    weights = {
        "embeddings": random.normal(size=(TOKENS, WIDTH)).astype(np.float32),
        "queries": (random.normal(size=(WIDTH, WIDTH)) / 2).astype(np.float32),
        "looks": random.normal(size=(WIDTH, WIDTH)).astype(np.float32),
        "head": random.normal(size=(WIDTH, TOKENS)).astype(np.float32),
        "places": np.arange(LENGTH, dtype=np.int64).reshape(1, 1, LENGTH),
        "far": np.array(-1e9, np.float32),
        "masked_far": np.array(1e4, np.float32),
        "nothing": np.array(0, np.float32),
        "unit": np.array(1, np.float32),
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.int64),
        "from": np.array([0], np.int64),
        "patches_end": np.array([PATCHES], np.int64),
        "width_end": np.array([WIDTH], np.int64),
        "whole_end": np.array([WIDTH + 1], np.int64),
        "first": np.array([1], np.int64),
        "last": np.array([2], np.int64),
    }
    node = helper.make_node
    nodes = [
        # The picture, filled up to the size of the memory, with what is no patch masked out.
        node("Slice", ["memory_in", "from", "width_end", "last"], ["memory_rows"]),
        node("Mul", ["memory_rows", "nothing"], ["no_rows"]),
        node("Concat", ["patches", "no_rows"], ["long_rows"], axis=1),
        node("Slice", ["long_rows", "from", "patches_end", "first"], ["rows"]),
        node("Cast", ["patch_mask"], ["mask"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["mask", "last"], ["mask_column"]),
        node("Slice", ["no_rows", "from", "first", "last"], ["no_mask"]),
        node("Concat", ["mask_column", "no_mask"], ["long_mask"], axis=1),
        node("Slice", ["long_mask", "from", "patches_end", "first"], ["is_patch"]),
        node("Sub", ["is_patch", "unit"], ["not_patch"]),
        node("Mul", ["not_patch", "masked_far"], ["additive"]),
        node("Concat", ["rows", "additive"], ["seen"], axis=2),
        node("Equal", ["length_in", "zero"], ["starts"]),
        node("Unsqueeze", ["starts", "last"], ["starts_rows"]),
        node("Where", ["starts_rows", "seen", "memory_in"], ["memory_out"]),
        # The tokens, written behind those of the steps before.
        node("Gather", ["embeddings", "token"], ["words"], axis=0),
        node("Mul", ["token", "zero"], ["zeros"]),
        node("Add", ["zeros", "one"], ["ones"]),
        node("CumSum", ["ones", "one"], ["counts"]),
        node("Add", ["counts", "length_in"], ["next"]),
        node("Sub", ["next", "one"], ["positions"]),
        node("Unsqueeze", ["positions", "last"], ["position_column"]),
        node("Equal", ["places", "position_column"], ["here"]),
        node("Cast", ["here"], ["here_number"], to=TensorProto.FLOAT),
        node("Transpose", ["here_number"], ["here_columns"], perm=[0, 2, 1]),
        node("MatMul", ["here_columns", "words"], ["written"]),
        node("ReduceSum", ["here_columns", "last"], ["is_written"], keepdims=1),
        node("Sub", ["unit", "is_written"], ["stays"]),
        node("Mul", ["cache_in", "stays"], ["kept"]),
        node("Add", ["kept", "written"], ["cache_out"]),
        node("MatMul", ["words", "queries"], ["query"]),
        node("Transpose", ["cache_out"], ["keys"], perm=[0, 2, 1]),
        node("MatMul", ["query", "keys"], ["scores"]),
        node("LessOrEqual", ["places", "position_column"], ["past"]),
        node("Where", ["past", "scores", "far"], ["masked"]),
        node("Softmax", ["masked"], ["attention"], axis=-1),
        node("MatMul", ["attention", "cache_out"], ["said"]),
        # The picture, looked at.
        node("Slice", ["memory_out", "from", "width_end", "last"], ["picture"]),
        node("Slice", ["memory_out", "width_end", "whole_end", "last"], ["picture_mask"]),
        node("Transpose", ["picture"], ["picture_keys"], perm=[0, 2, 1]),
        node("Transpose", ["picture_mask"], ["mask_row"], perm=[0, 2, 1]),
        node("MatMul", ["words", "looks"], ["look"]),
        node("MatMul", ["look", "picture_keys"], ["likeness"]),
        node("Add", ["likeness", "mask_row"], ["visible"]),
        node("Softmax", ["visible"], ["gaze"], axis=-1),
        node("MatMul", ["gaze", "picture"], ["shown"]),
        node("Add", ["said", "shown"], ["context"]),
        node("Add", ["context", "words"], ["mixed"]),
        node("MatMul", ["mixed", "head"], ["logits"]),
        node("Shape", ["token"], ["size"], start=1, end=2),
        node("Add", ["length_in", "size"], ["length_out"]),
    ]
    value = helper.make_tensor_value_info
    state = {
        "cache": (TensorProto.FLOAT, ["N", LENGTH, WIDTH]),
        "memory": (TensorProto.FLOAT, ["N", PATCHES, WIDTH + 1]),
        "length": (TensorProto.INT64, ["N", 1]),
    }
    graph = helper.make_graph(
        nodes,
        "reader",
        [
            value("token", TensorProto.INT64, ["N", "T"]),
            value("patches", TensorProto.FLOAT, ["N", "P", WIDTH]),
            value("patch_mask", TensorProto.BOOL, ["N", "P"]),
            *[value(f"{name}_in", *kind) for name, kind in state.items()],
        ],
        [
            value("logits", TensorProto.FLOAT, ["N", "T", TOKENS]),
            *[value(f"{name}_out", *kind) for name, kind in state.items()],
        ],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model, full_check=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    save(model, OUT)
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
