"""``pico_vision_int8``: the image encoder with whole numbers of 8 bits, for CPUs.

``python -m pico.quantize`` writes ``model-variants/int8`` from the ``pico_vision`` of the repository: weights by
output channel, activations by ranges that are seen on calibration scenes and fixed, so that a row's answer does not
depend on the rows beside it.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from pico.exam import each_sheet
from pico.export import REPOSITORY, restored_in_single, vision_configuration, write_model
from pico.patches import to_patches
from pico.variants import VARIANTS, link, space_of

NAME = "pico_vision_int8"
CALIBRATION_SCENES = 64
"""Of each of the two calibration sets."""
WHOLE_NUMBERS = ["Conv", "Gemm", "MatMul"]
"""Operators that are computed in 8 bits; norms, softmax, GELU and sums stay float."""


class Scenes(CalibrationDataReader):
    """Scenes that no examination has, one after the other, as the service prepares them."""

    def __init__(self, count: int) -> None:
        self.inputs = self._each(count)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.inputs, None)

    @staticmethod
    def _each(count: int) -> Iterator[dict[str, np.ndarray]]:
        for name in ("calibration-one", "calibration-some"):
            for sheet in each_sheet(name, count):
                patches, mask, positions = (tensor[None] for tensor in to_patches(sheet.image))
                yield {"patches": patches, "patch_mask": mask, "patch_positions": positions}


def kept_float(graph: onnx.GraphProto) -> list[str]:
    """Nodes that stay float: products of two activations (attention), the last projections, the first convolutions.

    Those convolutions are a tenth of the work and cost nearly all of the accuracy that is lost with them.
    """
    weights = {initializer.name for initializer in graph.initializer}
    products = [n.name for n in graph.node if n.op_type == "MatMul" and not weights.intersection(n.input)]
    sensitive = ("/project_image/", "/project_patch/", "/stem/enter/", "/stem/down1/")
    return products + [n.name for n in graph.node if n.name.startswith(sensitive)]


def quantized(model: Path, scenes: int) -> onnx.ModelProto:
    """The model with the operators ``WHOLE_NUMBERS`` in 8 bits, but for those that are ``kept_float``."""
    with tempfile.TemporaryDirectory() as folder:
        path, single = Path(folder) / "model.onnx", restored_in_single(onnx.load(model))
        quantize_static(
            single,
            path,
            Scenes(scenes),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=WHOLE_NUMBERS,
            nodes_to_exclude=kept_float(single.graph),
            per_channel=True,
            # 7 bits for weights: processors without VNNI add two products of 8 bits in 16, which overflows.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", type=Path, default=REPOSITORY)
    parser.add_argument("--scenes", type=int, default=CALIBRATION_SCENES)
    parser.add_argument("--variants", type=Path, default=VARIANTS)
    options = parser.parse_args()
    original, variant = options.repository / "pico_vision", options.variants / "int8"
    model = quantized(original / "1" / "model.onnx", options.scenes)
    folder = variant / NAME
    print(write_model(model, folder))
    width, dim = (tensor.type.tensor_type.shape.dim[2].dim_value for tensor in model.graph.output[1:])
    (folder / "config.pbtxt").write_text(vision_configuration(space_of(options.repository), width, dim, NAME))
    (folder / "assets").mkdir(exist_ok=True)
    for asset in sorted((original / "assets").iterdir()):
        shutil.copy(asset, folder / "assets")
    others = (path.name for path in options.repository.iterdir() if (path / "config.pbtxt").exists())
    link(options.repository, variant, *(name for name in others if name != original.name))


if __name__ == "__main__":
    main()
