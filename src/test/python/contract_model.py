"""Writes the model that every engine is judged with: src/test/resources/models/contract.onnx.

Row by row, with K any extent:

    inputs   x FP32 [K], spin INT64 [1], index INT64 [1]
    outputs  doubled FP32 [K] = 2 x + 1,  copied FP32 [K] = x

`spin` is how many times a loop of matrix products turns over (the largest of the batch): time that a test can set. `index`
must be 0; anything else is out of range in a Gather and fails the whole execution, as a poisoned row does.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

OUT = Path(__file__).parents[1] / "resources" / "models" / "contract.onnx"
SIDE = 256


def main() -> None:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still_going"]),
            helper.make_node("MatMul", ["state", "turn"], ["turned"]),
        ],
        "turnover",
        [
            helper.make_tensor_value_info("trip", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [SIDE, SIDE]),
        ],
        [
            helper.make_tensor_value_info("still_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("turned", TensorProto.FLOAT, [SIDE, SIDE]),
        ],
    )
    graph = helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["square"], ["start"]),
            helper.make_node("EyeLike", ["start"], ["turn"]),
            helper.make_node("ReduceMax", ["spin"], ["trips"], keepdims=0),
            helper.make_node("Loop", ["trips", "always", "start"], ["end"], body=body),
            helper.make_node("ReduceSum", ["end"], ["nothing"], keepdims=0),
            helper.make_node("Gather", ["one", "index"], ["ones"], axis=0),
            helper.make_node("Mul", ["x", "two"], ["twice"]),
            helper.make_node("Add", ["twice", "ones"], ["plus_one"]),
            helper.make_node("Add", ["plus_one", "nothing"], ["doubled"]),
            helper.make_node("Identity", ["x"], ["copied"]),
        ],
        "contract",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", "K"]),
            helper.make_tensor_value_info("spin", TensorProto.INT64, ["N", 1]),
            helper.make_tensor_value_info("index", TensorProto.INT64, ["N", 1]),
        ],
        [
            helper.make_tensor_value_info("doubled", TensorProto.FLOAT, ["N", "K"]),
            helper.make_tensor_value_info("copied", TensorProto.FLOAT, ["N", "K"]),
        ],
        [
            numpy_helper.from_array(np.array(True), "always"),
            numpy_helper.from_array(np.array([SIDE, SIDE], np.int64), "square"),
            numpy_helper.from_array(np.array([1], np.float32), "one"),
            numpy_helper.from_array(np.array(2, np.float32), "two"),
        ],
    )
    # One column of ones: Gather gives [N, 1], which is added to every column of x.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model, full_check=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    save(model, OUT)
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
