"""Writes models that read patch features, for tests: src/test/resources/heads/pico_depth and pico_emotion.

What they answer can be told without them:

    pico_depth    depth FP32 [P, 16]: of cell c (of 4 x 4) of the patch in row r, column k:  4 r + c / 4 + (4 k + c % 4) / 100;
                  0 for padding
    pico_emotion  logits FP32 [4]: the mean of the first four features of all patches, padding not counted

The tests write the configurations, for these name the space of the shipped models.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

OUT = Path(__file__).parents[1] / "resources" / "heads"
FEATURES = 224
LABELS = 4


def features() -> list:
    return [
        helper.make_tensor_value_info("patch_features", TensorProto.FLOAT, ["N", "P", FEATURES]),
        helper.make_tensor_value_info("patch_mask", TensorProto.BOOL, ["N", "P"]),
    ]


def depth() -> None:
    cells = np.arange(16)
    within = (cells // 4 + (cells % 4) / 100).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["patch_positions"], ["places"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["places", "of_patch"], ["corner"]),
        helper.make_node("Add", ["corner", "within"], ["cells"]),
        helper.make_node("Cast", ["patch_mask"], ["flat"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["flat", "last"], ["there"]),
        helper.make_node("Mul", ["cells", "there"], ["depth"]),
        helper.make_node("ReduceSum", ["patch_features"], ["unused"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([[4.0], [0.04]], np.float32), "of_patch"),
        numpy_helper.from_array(within, "within"),
        numpy_helper.from_array(np.array([2], np.int64), "last"),
    ]
    inputs = [*features(), helper.make_tensor_value_info("patch_positions", TensorProto.INT32, ["N", "P", 2])]
    write("pico_depth", nodes, inputs, helper.make_tensor_value_info("depth", TensorProto.FLOAT, ["N", "P", 16]), constants)


def emotion() -> None:
    nodes = [
        helper.make_node("Slice", ["patch_features", "zero", "four", "last"], ["first"]),
        helper.make_node("Cast", ["patch_mask"], ["flat"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["flat", "last"], ["there"]),
        helper.make_node("Mul", ["first", "there"], ["seen"]),
        helper.make_node("ReduceSum", ["seen", "one"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["there", "one"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["logits"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([number], np.int64), name)
        for name, number in (("zero", 0), ("one", 1), ("four", LABELS), ("last", 2))
    ]
    write("pico_emotion", nodes, features(), helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", LABELS]), constants)


def write(name: str, nodes: list, inputs: list, output, constants: list) -> None:
    graph = helper.make_graph(nodes, name, inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model, full_check=True)
    file = OUT / name / "1" / "model.onnx"
    file.parent.mkdir(parents=True, exist_ok=True)
    save(model, file)
    print(f"{name}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    depth()
    emotion()
