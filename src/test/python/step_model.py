"""Writes the stepped decoder that sequences are judged with: src/test/resources/models/steps.onnx.

One attention layer over a cache of fixed size, as `sequence_batching` with implicit state wants it:

    inputs   token INT64 [1], cache_in FP32 [64, 16], length_in INT64 [1]
    outputs  logits FP32 [32], cache_out FP32 [64, 16], length_out INT64 [1]

A step writes its token's row at `length_in` and attends to the rows up to there. The weights are random numbers of a fixed
seed, large enough that the next token depends on every token before.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

OUT = Path(__file__).parents[1] / "resources" / "models" / "steps.onnx"
LENGTH, WIDTH, TOKENS = 64, 16, 32


def main() -> None:
    random = np.random.default_rng(7)
    weights = {
        "embeddings": random.normal(size=(TOKENS, WIDTH)).astype(np.float32),
        "queries": (random.normal(size=(WIDTH, WIDTH)) / 8).astype(np.float32),
        "head": random.normal(size=(WIDTH, TOKENS)).astype(np.float32),
        "places": np.arange(LENGTH, dtype=np.int64).reshape(1, LENGTH),
        "far": np.array(-1e9, np.float32),
        "one": np.array(1, np.int64),
        "last": np.array([2], np.int64),
        "middle": np.array([1], np.int64),
    }
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Gather", ["embeddings", "token"], ["row"], axis=0),
            node("Equal", ["places", "length_in"], ["here"]),
            node("Unsqueeze", ["here", "last"], ["here_rows"]),
            node("Where", ["here_rows", "row", "cache_in"], ["cache_out"]),
            node("MatMul", ["row", "queries"], ["query"]),
            node("Transpose", ["cache_out"], ["keys"], perm=[0, 2, 1]),
            node("MatMul", ["query", "keys"], ["scores"]),
            node("LessOrEqual", ["places", "length_in"], ["past"]),
            node("Unsqueeze", ["past", "middle"], ["past_columns"]),
            node("Where", ["past_columns", "scores", "far"], ["masked"]),
            node("Softmax", ["masked"], ["attention"], axis=-1),
            node("MatMul", ["attention", "cache_out"], ["context"]),
            node("Add", ["context", "row"], ["mixed"]),
            node("Squeeze", ["mixed", "middle"], ["flat"]),
            node("MatMul", ["flat", "head"], ["logits"]),
            node("Add", ["length_in", "one"], ["length_out"]),
        ],
        "steps",
        [
            helper.make_tensor_value_info("token", TensorProto.INT64, ["N", 1]),
            helper.make_tensor_value_info("cache_in", TensorProto.FLOAT, ["N", LENGTH, WIDTH]),
            helper.make_tensor_value_info("length_in", TensorProto.INT64, ["N", 1]),
        ],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", TOKENS]),
            helper.make_tensor_value_info("cache_out", TensorProto.FLOAT, ["N", LENGTH, WIDTH]),
            helper.make_tensor_value_info("length_out", TensorProto.INT64, ["N", 1]),
        ],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model, full_check=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    save(model, OUT)
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
