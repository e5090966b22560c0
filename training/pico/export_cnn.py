"""Writes ``model-variants/cnn``: ``pico_cnn`` and the texts of the repository. ``python -m pico.export_cnn``"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from pico.calibration import Calibration
from pico.cnn import CELL, SIDE, CnnEncoder
from pico.export import REPOSITORY, configuration, export, scores, write_json
from pico.train_cnn import averaged_cnn
from pico.variants import VARIANTS, share_texts, space_of
from scenes.drawings import CACHE

PREPROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "backend": "pil",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"height": SIDE, "width": SIDE},
    "resample": 2,
    "do_rescale": False,
    "do_normalize": False,
}


def export_cnn(encoder: CnnEncoder, folder: Path) -> Path:
    """``model.onnx`` of the convolutional encoder; see ``CnnEncoder.forward`` for its contract."""
    pixels = torch.randint(0, 256, (2, 3, SIDE, SIDE), dtype=torch.uint8)
    outputs = {"image_embedding": {0: "batch"}, "cell_embeddings": {0: "batch"}}
    return export(encoder, (pixels,), folder, {"pixel_values": {0: "batch"}}, outputs, half=True)


def cnn_configuration(space: str, dim: int) -> str:
    """``config.pbtxt`` of the convolutional encoder."""
    return configuration(
        "pico_cnn", "vision", space,
        [("pixel_values", "TYPE_UINT8", f"3, {SIDE}, {SIDE}")],
        [("image_embedding", "TYPE_FP32", f"{dim}"), ("cell_embeddings", "TYPE_FP32", f"{(SIDE // CELL) ** 2}, {dim}")],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="where the text encoder is")
    parser.add_argument("--variants", type=Path, default=VARIANTS)
    options = parser.parse_args()
    run, variant = CACHE / "runs" / f"{options.run}-cnn", options.variants / "cnn"
    encoder, _ = averaged_cnn(run / "checkpoint.pt")
    calibration, dim = Calibration.read(run), encoder.config.projection_dim
    folder = variant / "pico_cnn"
    print(export_cnn(encoder, folder))
    (folder / "config.pbtxt").write_text(cnn_configuration(space_of(options.repository), dim))
    write_json(folder / "assets" / "config.json", scores(dim, calibration))
    write_json(folder / "assets" / "preprocessor_config.json", PREPROCESSOR)
    share_texts(options.repository, variant, dim, calibration)


if __name__ == "__main__":
    main()
