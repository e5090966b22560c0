"""Writes the golden file of the image processors: what transformers makes of generated pictures, for
every family, both back ends and the options that change bytes.

    src/test/python/python.sh golden_processors.py

Everything lands in src/test/resources/golden/processors.json: for each case the configuration file,
for each picture the tensors by name, type, shape and the head of the SHA-256 of their bytes."""

import hashlib
import json
import os
import tempfile
import warnings
from pathlib import Path

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import PIL
import torch
import torchvision
import transformers
from PIL import Image
from transformers import AutoImageProcessor

from pictures import marks, pattern

OUT = Path(__file__).resolve().parent.parent / "resources" / "golden" / "processors.json"
BOTH = ("pil", "torchvision")
warnings.simplefilter("ignore")

# What transformers says of pictures that it cannot process: too long, or nothing left of a side.
REFUSALS = ("aspect ratio", "must be > 0", "should be greater than", "Size must contain")

# Width, height: one pixel, lines, odd ones, at and around the targets, long ones, photographs.
SIZES = [
    (1, 1), (1, 500), (500, 1), (3, 2), (17, 31), (63, 64), (224, 224), (223, 225), (225, 223), (256, 256), (257, 255),
    (336, 336), (337, 335), (384, 384), (383, 385), (448, 449), (100, 75), (640, 480), (479, 641), (2, 301), (301, 2),
    (13, 1300), (1920, 96), (1500, 1000), (1000, 1499),
]
# Black and white only: filters with negative lobes overshoot at every edge.
MARKS = [(3, 2), (17, 31), (100, 75), (640, 480)]
FEW = [(1, 1), (1, 500), (17, 31), (223, 225), (224, 224), (301, 2), (640, 480), (1000, 1499)]

CLIP_LEGACY = {
    "crop_size": 224, "do_center_crop": True, "do_normalize": True, "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 224,
}
QWEN_SAVED = {
    "crop_size": None, "data_format": "channels_first", "default_to_square": True, "device": None,
    "disable_grouping": None, "do_center_crop": None, "do_convert_rgb": True, "do_normalize": True, "do_pad": None,
    "do_rescale": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "Qwen2VLImageProcessorFast", "image_std": [0.5, 0.5, 0.5], "input_data_format": None,
    "max_pixels": None, "merge_size": 2, "min_pixels": None, "pad_size": None, "patch_size": 16,
    "processor_class": "Qwen3VLProcessor", "resample": 3, "rescale_factor": 0.00392156862745098,
    "return_tensors": None, "size": {"longest_edge": 1048576, "shortest_edge": 65536}, "temporal_patch_size": 2,
}
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
INTERNVL = {
    "image_processor_type": "GotOcr2ImageProcessorFast", "processor_class": "InternVLProcessor", **IMAGENET,
    "size": {"height": 448, "width": 448}, "min_patches": 1, "max_patches": 12, "crop_to_patches": False,
    "do_convert_rgb": True, "resample": 3,
}


def of(kind, **options):
    return {"image_processor_type": kind + "ImageProcessor", **options}


# Family, variant, configuration, sizes, back ends.
CASES = [
    ("CLIP", "defaults", of("CLIP"), SIZES, BOTH),
    ("CLIP", "legacy file", CLIP_LEGACY, FEW, BOTH),
    ("CLIP", "336", of("CLIP", size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}), FEW, BOTH),
    ("CLIP", "bilinear", of("CLIP", resample=2), FEW, BOTH),
    ("CLIP", "lanczos", of("CLIP", resample=1), FEW, BOTH),
    ("CLIP", "nearest", of("CLIP", resample=0), SIZES, BOTH),
    ("CLIP", "box", of("CLIP", resample=4), FEW, ("pil",)),
    ("CLIP", "hamming", of("CLIP", resample=5), FEW, ("pil",)),
    ("CLIP", "no crop", of("CLIP", size=64, do_center_crop=False), FEW, BOTH),
    ("CLIP", "crop beyond the image", of("CLIP", size=100, crop_size={"height": 225, "width": 131}), FEW, BOTH),
    ("CLIP", "crop alone", of("CLIP", do_resize=False), SIZES, BOTH),
    ("CLIP", "longest edge", of("CLIP", size={"shortest_edge": 200, "longest_edge": 333}, do_center_crop=False), SIZES, BOTH),
    ("CLIP", "within a box", of("CLIP", size={"max_height": 100, "max_width": 300}, do_center_crop=False), FEW, BOTH),
    ("CLIP", "size as a list", of("CLIP", size=[50, 70], do_center_crop=False), FEW, BOTH),
    ("CLIP", "no rescaling", of("CLIP", do_rescale=False), FEW, BOTH),
    ("CLIP", "no normalising", of("CLIP", do_normalize=False), FEW, BOTH),
    ("CLIP", "bytes", of("CLIP", do_rescale=False, do_normalize=False), FEW, BOTH),
    ("CLIP", "factor and one mean", of("CLIP", rescale_factor=0.007, image_mean=0.4, image_std=0.3), FEW, BOTH),
    ("SigLIP", "defaults", of("Siglip"), SIZES, BOTH),
    ("SigLIP", "384, Fast", {"image_processor_type": "SiglipImageProcessorFast", "size": {"height": 384, "width": 384}}, FEW, BOTH),
    ("SigLIP 2 NaFlex", "defaults", of("Siglip2"), SIZES, BOTH),
    ("SigLIP 2 NaFlex", "14, 100 patches", of("Siglip2", patch_size=14, max_num_patches=100, resample=3), FEW, BOTH),
    ("ViT", "defaults", of("ViT"), SIZES, BOTH),
    ("ViT", "legacy size", {"feature_extractor_type": "ViTFeatureExtractor", "size": 160, "resample": 3}, FEW, BOTH),
    ("DeiT", "defaults", of("DeiT"), SIZES, BOTH),
    ("DINOv2", "checkpoint", of("Bit", size={"shortest_edge": 256}, do_convert_rgb=True, **IMAGENET), SIZES, BOTH),
    ("ConvNeXt", "384", of("ConvNext"), SIZES, BOTH),
    ("ConvNeXt", "224", of("ConvNext", size={"shortest_edge": 224}, **IMAGENET), SIZES, BOTH),
    ("ConvNeXt", "crop_pct", of("ConvNext", size=100, crop_pct=0.95), FEW, BOTH),
    ("BLIP", "defaults", of("Blip"), SIZES, BOTH),
    ("BLIP", "BLIP-2", of("Blip", processor_class="Blip2Processor", size={"height": 224, "width": 224}), FEW, BOTH),
    ("LLaVA-1.5", "defaults", of("Llava", size=336, crop_size=336), SIZES, BOTH),
    ("LLaVA-1.5", "padded", of("Llava", size=336, crop_size=336, do_pad=True), SIZES, BOTH),
    ("LLaVA-NeXT", "checkpoint", of("LlavaNext", size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}), SIZES, BOTH),
    ("LLaVA-NeXT", "tiles that do not fit", of("LlavaNext"), FEW, BOTH),
    ("Qwen2-VL", "defaults", of("Qwen2VL"), SIZES, BOTH),
    ("Qwen2-VL", "pixels of old", of("Qwen2VL", min_pixels=50176, max_pixels=200704, size={"min_pixels": 1, "max_pixels": 2}), FEW, BOTH),
    ("Qwen3-VL", "saved file", QWEN_SAVED, SIZES, BOTH),
    ("InternVL", "tiles", {**INTERNVL, "crop_to_patches": True}, SIZES, BOTH),
    ("InternVL", "few tiles", {**INTERNVL, "crop_to_patches": True, "min_patches": 2, "max_patches": 4}, FEW, BOTH),
    ("InternVL", "whole", of("GotOcr2"), FEW, BOTH),
    ("Pixtral", "defaults", of("Pixtral"), SIZES, BOTH),
    ("Pixtral", "14, 300", of("Pixtral", patch_size=14, size={"longest_edge": 300}), FEW, BOTH),
    ("DINOv3", "defaults", of("DINOv3ViT"), SIZES, ("torchvision",)),
    ("DINOv3", "tiny", of("DINOv3ViT", size={"height": 8, "width": 6}), FEW, ("torchvision",)),
]


def tensors(processor, picture):
    """The tensors of one picture, without the batch extent where there is one."""
    made = processor(Image.fromarray(picture), return_tensors="np" if processor.backend == "pil" else "pt")
    rows = dict(made)
    rows.pop("num_patches", None)
    for name, value in rows.items():
        value = np.asarray(value)
        flat = name == "pixel_values" and ("image_grid_thw" in rows or "num_patches" in made)
        yield name, value if flat else value[0]


def described(value):
    data = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<")).tobytes()
    return [str(value.dtype), list(value.shape), hashlib.sha256(data).hexdigest()[:32]]


def run(config, backend, sizes):
    folder = Path(tempfile.mkdtemp())
    (folder / "preprocessor_config.json").write_text(json.dumps(config))
    processor = AutoImageProcessor.from_pretrained(folder, backend=backend)
    assert processor.backend == backend
    for content, width, height in [*(("pattern", *s) for s in sizes), *(("marks", *s) for s in MARKS)]:
        picture = (pattern if content == "pattern" else marks)(width, height)
        try:
            made = {n: described(v) for n, v in tensors(processor, picture)}
        except (ValueError, RuntimeError) as refusal:
            assert any(words in str(refusal) for words in REFUSALS), refusal
            made = {}
        yield {"picture": content, "width": width, "height": height, "tensors": made}


def main():
    torch.set_num_threads(1)
    cases = []
    for family, variant, config, sizes, backends in CASES:
        for backend in backends:
            images = list(run(config, backend, sizes))
            cases.append({"family": family, "variant": variant, "backend": backend, "config": config, "images": images})
            print(family, variant, backend, len(images), flush=True)
    versions = {
        m.__name__: m.__version__.partition("+")[0] for m in (transformers, torch, torchvision, PIL, np)}
    head = json.dumps({"versions": versions})[:-1]
    OUT.write_text(head + ', "cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
    print(f"{sum(len(c['images']) for c in cases)} images, {OUT.stat().st_size} bytes in {OUT}")


if __name__ == "__main__":
    main()
