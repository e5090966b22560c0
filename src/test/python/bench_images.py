"""Prints how long Fovea takes from the bytes of a JPEG to a model's tensor, and how long its peers
take, as multiples of Fovea's time: all in one interleaved run on one core, every one with one
thread.

    mvn -q test-compile dependency:build-classpath -Dmdep.outputFile=target/test.classpath
    src/test/python/python.sh bench_images.py

Rows: `decode` (JPEG to RGB), `resize` (RGB to 224×224, bicubic, bytes), `CLIP` (JPEG to 224×224
float32) and `SigLIP 2` (JPEG to 256 patches float32). A figure above 1 means that the peer is slower
than Fovea with the JDK's JPEG decoder."""

import argparse
import io
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_OFFLINE"] = "1"

import hf_processors_rs
import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from transformers import AutoImageProcessor

from golden import naflex_grid
from pictures import photo

ROOT = Path(__file__).resolve().parents[3]
RESIZE = {"image_processor_type": "SiglipImageProcessor", "backend": "pil", "do_rescale": False, "do_normalize": False}
CONFIGS = {
    "decode": RESIZE, "resize": RESIZE,
    "CLIP": {"image_processor_type": "CLIPImageProcessor"},
    "SigLIP 2": {"image_processor_type": "Siglip2ImageProcessor"},
}
SIZES = ((640, 480), (1920, 1080), (4032, 3024))
# What the worker of each task does: its processor alone, its decoder alone, or one after the other.
WORK = {"decode": "decode", "resize": "process", "CLIP": "both", "SigLIP 2": "both"}


class Fovea:
    """In a process of its own that waits while others work."""

    def __init__(self, config, decoder):
        folder = Path(tempfile.mkdtemp())
        (folder / "preprocessor_config.json").write_text(json.dumps(config))
        classpath = f"{ROOT}/target/test-classes:{ROOT}/target/classes:" + (ROOT / "target/test.classpath").read_text()
        java = os.path.join(os.environ.get("JAVA_HOME", "/usr"), "bin", "java")
        command = [
            java, "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC",
            "-Xmx2g", "-cp", classpath, "dev.fovea.bench.ImageWorker", str(folder), decoder]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.there = self.process.stdout.readline().strip() == "ready"

    def time(self, task, file, times):
        print(WORK[task], file, times, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline()) / times


class Peer:
    """Something that is called in this process."""

    def __init__(self, works):
        self.works = works

    def time(self, task, file, times):
        data = Path(file).read_bytes()
        argument = opened(data) if task == "resize" else data
        work = self.works[task]
        start = time.perf_counter_ns()
        for _ in range(times):
            work(argument)
        return (time.perf_counter_ns() - start) / times


def opened(data):
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


MEAN = np.array(hf_processors_rs.AutoImageProcessor.from_dict(CONFIGS["CLIP"]).settings["image_mean"], np.float32)
STD = np.array(hf_processors_rs.AutoImageProcessor.from_dict(CONFIGS["CLIP"]).settings["image_std"], np.float32)


def clip(data):
    """What a person writes by hand: resize, cut out, normalise."""
    image = opened(data)
    short, long = sorted(image.size)
    scaled = int(224 * long / short)
    width, height = (224, scaled) if image.width <= image.height else (scaled, 224)
    left, top = (width - 224) // 2, (height - 224) // 2
    image = image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + 224, top + 224))
    values = (np.asarray(image, np.float32) / 255 - MEAN) / STD
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def siglip2(data):
    image = opened(data)
    rows, columns = naflex_grid(image.height, image.width, 16, 256)
    resized = np.asarray(image.resize((columns * 16, rows * 16), Image.Resampling.BILINEAR), np.float32)
    patches = np.zeros((256, 768), np.float32)
    values = (resized / 255 - 0.5) / 0.5
    patches[: rows * columns] = values.reshape(rows, 16, columns, 16, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 768)
    return patches


def transformers(backend):
    works = {}
    for task in ("CLIP", "SigLIP 2"):
        folder = Path(tempfile.mkdtemp())
        (folder / "preprocessor_config.json").write_text(json.dumps(CONFIGS[task]))
        processor = AutoImageProcessor.from_pretrained(folder, backend=backend)
        tensors = "np" if backend == "pil" else "pt"
        works[task] = lambda data, p=processor: p(opened(data), return_tensors=tensors)
    return Peer(works)


def rust():
    processor = hf_processors_rs.AutoImageProcessor.from_dict(CONFIGS["CLIP"])
    return Peer({"CLIP": lambda data: processor(data, num_threads=1)})


def peers_of(task, peers):
    """Those that can do a task; Fovea with each decoder that this machine and this build have."""
    for decoder in ("java", "native") if task != "resize" else ("java",):
        fovea = Fovea(CONFIGS[task], decoder)
        if fovea.there:
            yield "fovea" if decoder == "java" else "fovea, native JPEG", fovea
    for name, peer in peers.items():
        if task in peer.works:
            yield name, peer


def measure(task, file, workers, options):
    times = {}
    for name, worker in workers.items():
        once = worker.time(task, file, 3)
        warm = worker.time(task, file, max(3, int(options.warm * 1e9 / once)))
        times[name] = max(1, int(options.seconds * 1e9 / warm))
    taken = {name: [] for name in workers}
    for _ in range(options.rounds):
        for name, worker in workers.items():
            taken[name].append(worker.time(task, file, times[name]))
    return taken


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--rounds", type=int, default=11)
    arguments.add_argument("--seconds", type=float, default=0.25, help="of each measurement")
    arguments.add_argument("--warm", type=float, default=3, help="seconds before the first measurement")
    options = arguments.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    resize = lambda image: image.resize((224, 224), Image.Resampling.BICUBIC)
    peers = {
        "Pillow + NumPy": Peer({"decode": opened, "resize": resize, "CLIP": clip, "SigLIP 2": siglip2}),
        "transformers pil": transformers("pil"),
        "transformers torchvision": transformers("torchvision"),
        "hf-processors-rs": rust(),
    }
    folder = Path(tempfile.mkdtemp())
    for width, height in SIZES:
        file = folder / f"{width}x{height}.jpg"
        Image.fromarray(photo(width, height)).filter(ImageFilter.GaussianBlur(1)).save(file, quality=88)
    for task in CONFIGS:
        workers = dict(peers_of(task, peers))
        for width, height in SIZES:
            taken = measure(task, folder / f"{width}x{height}.jpg", workers, options)
            print(f"{task} {width}×{height}", flush=True)
            for name, values in taken.items():
                ratios = [theirs / ours for theirs, ours in zip(values, taken["fovea"])]
                low, middle, high = statistics.quantiles(ratios, n=4)
                print(f"  {name:26} {statistics.median(values) / 1e6:9.2f} ms"
                      f"   {middle:5.2f} ({low:.2f}..{high:.2f})", flush=True)


if __name__ == "__main__":
    main()
