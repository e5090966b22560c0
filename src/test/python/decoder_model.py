"""Writes the decoder that generation is judged with: src/test/resources/decoder/model.onnx.

The shape of a family's decoder, as small as can be: one layer of causal attention over a cache of fixed size, one of
attention over what the vision encoder has seen, and a vocabulary of 2,048 tokens:

    inputs   input_ids INT64 [T], patch_features FP32 [P, 224], patch_mask BOOL [P] (P = 0 after the first step)
    state    cache FP32 [2, 128, 8], memory FP32 [64, 17], length INT64 [1]
    outputs  logits FP32 [T, 2048], cross_attention FP32 [T, 64]

The weights are random numbers of a fixed seed, large enough that the next token depends on every token before and on the
image. Special tokens are never likely but the end, which gets likelier with every token, so that texts end somewhere.

Two things are there for tests of what goes wrong. A step that reads the token `z` takes a hundred times as long as any
other: a loop of matrix products turns over. And a token in place 128 or behind it is out of range in a Gather and fails the
whole execution, as a text does whose family claims a longer context.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

OUT = Path(__file__).parents[1] / "resources" / "decoder" / "model.onnx"
LENGTH, WIDTH, TOKENS, FEATURES, PATCHES = 128, 8, 2048, 224, 64
SPECIAL, END, FAR = 16, 2, -1e4
Z, TURNS, SIDE = 105, 128, 256


def weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(11)
    bias = np.zeros(TOKENS, np.float32)
    bias[:SPECIAL] = -100
    bias[END] = -26
    turns = np.zeros(TOKENS, np.int64)
    turns[Z] = TURNS
    ending = np.zeros(TOKENS, np.float32)
    ending[END] = 1
    padding = np.zeros((1, PATCHES, 2 * WIDTH + 1), np.float32)
    padding[:, :, -1] = FAR
    return {
        "embeddings": random.normal(size=(TOKENS, WIDTH)).astype(np.float16),
        "places": random.normal(size=(LENGTH, WIDTH)).astype(np.float32) / 2,
        "seen": (random.normal(size=(FEATURES, 2 * WIDTH)) / 6).astype(np.float32),
        **{
            name: (random.normal(size=(WIDTH, WIDTH)) / 2).astype(np.float32)
            for name in ("query", "key", "value", "look", "turn")
        },
        "bias": bias,
        "ending": ending,
        "turns": turns,
        "square": np.array([SIDE, SIDE], np.int64),
        "always": np.array(True),
        "padding": padding,
        "far": np.array(FAR, np.float32),
        "none": np.array(0, np.float32),
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.int64),
        "zeros": np.array([0], np.int64),
        "ones": np.array([1], np.int64),
        "twos": np.array([2], np.int64),
        "width": np.array([WIDTH], np.int64),
        "double": np.array([2 * WIDTH], np.int64),
        "full": np.array([2 * WIDTH + 1], np.int64),
        "patches": np.array([PATCHES], np.int64),
        "length": np.arange(LENGTH, dtype=np.int64).reshape(1, LENGTH),
    }


def nodes() -> list:
    made = []

    def node(kind, inputs, output, **attributes):
        made.append(helper.make_node(kind, inputs.split(), output.split(), **attributes))

    # What was seen: kept from the first step on.
    node("MatMul", "patch_features seen", "rows")
    node("Where", "patch_mask none far", "visible")
    node("Unsqueeze", "visible twos", "visible_column")
    node("Concat", "rows visible_column", "fresh", axis=2)
    node("Shape", "patch_mask", "mask_shape")
    node("Slice", "mask_shape ones twos", "patch_count")
    node("Slice", "mask_shape zeros ones", "batch")
    node("Sub", "patches patch_count", "missing")
    node("Slice", "padding zeros missing ones", "pad_rows")
    node("Concat", "batch ones ones", "repeats", axis=0)
    node("Tile", "pad_rows repeats", "pad")
    node("Concat", "fresh pad", "first_memory", axis=1)
    node("Equal", "length_in zero", "is_first")
    node("Unsqueeze", "is_first twos", "is_first_column")
    node("Where", "is_first_column first_memory memory_in", "memory_out")
    # Where the new tokens stand.
    node("Shape", "input_ids", "ids_shape")
    node("Gather", "ids_shape one", "count", axis=0)
    node("Range", "zero count one", "steps")
    node("Add", "length_in steps", "positions")
    node("Cast", "embeddings", "wide_embeddings", to=TensorProto.FLOAT)
    node("Gather", "wide_embeddings input_ids", "words", axis=0)
    node("Gather", "places positions", "where", axis=0)
    node("Add", "words where", "x")
    # Keys and values, written at their places.
    node("Sub", "length length_in", "offsets")
    node("Unsqueeze", "offsets twos", "offset_column")
    node("Equal", "offset_column steps", "is_new")
    node("Cast", "is_new", "new_rows", to=TensorProto.FLOAT)
    node("Slice", "cache_in zeros ones ones", "old_keys_1")
    node("Squeeze", "old_keys_1 ones", "old_keys")
    node("Slice", "cache_in ones twos ones", "old_values_1")
    node("Squeeze", "old_values_1 ones", "old_values")
    node("ReduceSum", "new_rows twos", "written", keepdims=1)
    node("Greater", "written none", "is_written")
    for what, weight in (("keys", "key"), ("values", "value")):
        node("MatMul", f"x {weight}", f"step_{what}")
        node("MatMul", f"new_rows step_{what}", f"new_{what}")
        node("Where", f"is_written new_{what} old_{what}", what)
        node("Unsqueeze", f"{what} ones", f"{what}_1")
    node("Concat", "keys_1 values_1", "cache_out", axis=1)
    node("Add", "length_in count", "length_out")
    # Attention over the text.
    node("MatMul", "x query", "queries")
    node("Transpose", "keys", "keys_across", perm=[0, 2, 1])
    node("MatMul", "queries keys_across", "scores")
    node("Unsqueeze", "positions twos", "position_column")
    node("LessOrEqual", "length position_column", "is_past")
    node("Where", "is_past scores far", "past_scores")
    node("Softmax", "past_scores", "attention", axis=-1)
    node("MatMul", "attention values", "context")
    node("Add", "x context", "h")
    # Attention over what was seen.
    node("Slice", "memory_out zeros width twos", "seen_keys")
    node("Slice", "memory_out width double twos", "seen_values")
    node("Slice", "memory_out double full twos", "seen_mask")
    node("MatMul", "h look", "looks")
    node("Transpose", "seen_keys", "seen_keys_across", perm=[0, 2, 1])
    node("MatMul", "looks seen_keys_across", "look_scores")
    node("Transpose", "seen_mask", "seen_mask_row", perm=[0, 2, 1])
    node("Add", "look_scores seen_mask_row", "seen_scores")
    node("Softmax", "seen_scores", "cross_attention", axis=-1)
    node("MatMul", "cross_attention seen_values", "sight")
    node("Add", "h sight", "mixed")
    # The next token.
    node("Transpose", "wide_embeddings", "head", perm=[1, 0])
    node("MatMul", "mixed turn", "turned")
    node("MatMul", "turned head", "plain")
    node("Cast", "position_column", "age", to=TensorProto.FLOAT)
    node("Mul", "age ending", "tired")
    node("Add", "plain bias", "biased")
    node("Add", "biased tired", "said")
    # Time for what is slow; what the loop ends with is zero.
    node("Gather", "turns input_ids", "token_turns", axis=0)
    node("ReduceMax", "token_turns", "trips", keepdims=0)
    node("ConstantOfShape", "square", "start")
    node("EyeLike", "start", "once_around")
    node("Loop", "trips always start", "turned_over", body=turnover())
    node("ReduceSum", "turned_over", "nothing", keepdims=0)
    node("Add", "said nothing", "logits")
    return made


def turnover():
    square = helper.make_tensor_value_info("state", TensorProto.FLOAT, [SIDE, SIDE])
    return helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still_going"]),
            helper.make_node("MatMul", ["state", "once_around"], ["state_after"]),
        ],
        "turnover",
        [
            helper.make_tensor_value_info("trip", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            square,
        ],
        [
            helper.make_tensor_value_info("still_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state_after", TensorProto.FLOAT, [SIDE, SIDE]),
        ],
    )


def info(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, ["N", *shape])


def main() -> None:
    values = weights()
    floats, ints = TensorProto.FLOAT, TensorProto.INT64
    graph = helper.make_graph(
        nodes(),
        "decoder",
        [
            info("input_ids", ints, "T"),
            info("patch_features", floats, "P", FEATURES),
            info("patch_mask", TensorProto.BOOL, "P"),
            info("cache_in", floats, 2, LENGTH, WIDTH),
            info("memory_in", floats, PATCHES, 2 * WIDTH + 1),
            info("length_in", ints, 1),
        ],
        [
            info("logits", floats, "T", TOKENS),
            info("cross_attention", floats, "T", PATCHES),
            info("cache_out", floats, 2, LENGTH, WIDTH),
            info("memory_out", floats, PATCHES, 2 * WIDTH + 1),
            info("length_out", ints, 1),
        ],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model, full_check=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    save(model, OUT)
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
