"""Prints how long Fovea takes from the bytes of a JPEG to a model's tensor, and how long its peers
take, as multiples of Fovea's time: everyone in turn on one core, everyone with one thread.

    ./fovea bench images [--quick] [--only CLIP decode]

Rows: `decode` (JPEG to RGB), `resize` (RGB to 224×224, bicubic, bytes), `CLIP` (JPEG to 224×224
float32) and `SigLIP 2` (JPEG to 256 patches float32). Time is CPU time of the whole process that
works, its collector and compiler included, so that a busy machine does not show; a ratio is that of
two measurements side by side, and the median of the rounds is printed with its quartiles. Above 1,
the peer is slower."""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
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

import naflex
from pictures import photo

ROOT = Path(__file__).resolve().parents[3]
RESIZE = {"image_processor_type": "SiglipImageProcessor", "backend": "pil", "do_rescale": False, "do_normalize": False}
CONFIGS = {
    "decode": RESIZE, "resize": RESIZE,
    "CLIP": {"image_processor_type": "CLIPImageProcessor"},
    "SigLIP 2": {"image_processor_type": "Siglip2ImageProcessor"},
}
SIZES = ((640, 480), (1920, 1080), (4032, 3024))
# The part of --warm that is spent on whoever is warm already, or has no compiler to warm.
WARM = 0.1
# Decoders by the worker's name for them, and who that is in the tables.
FOVEA = {"java": "Fovea, pure Java", "native": "Fovea, libjpeg-turbo"}
# What the worker of each task does: its processor alone, its decoder alone, or one after the other.
WORK = {"decode": "decode", "resize": "process", "CLIP": "both", "SigLIP 2": "both"}


class Fovea:
    """In a process of its own that waits while others work."""

    # The compiler of the JVM shares the core, and wants to see much before it does its best.
    warm = 1

    def __init__(self, config, decoder, classpath):
        folder = Path(tempfile.mkdtemp())
        (folder / "preprocessor_config.json").write_text(json.dumps(config))
        java = os.path.join(os.environ.get("JAVA_HOME", "/usr"), "bin", "java")
        command = [
            java, "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC",
            "-Xmx2g", "-cp", classpath, "dev.fovea.bench.ImageWorker", str(folder), decoder]
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.there = self.process.stdout.readline().strip() == "ready"
        # The clock of a process (CPUCLOCK_SCHED of Linux).
        self.clock = ~self.process.pid << 3 | 2

    def prepare(self, task, file):
        self.ask("open", file)

    def time(self, task, times):
        start = time.clock_gettime_ns(self.clock)
        self.ask(WORK[task], times)
        return (time.clock_gettime_ns(self.clock) - start) / times

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        if self.process.stdout.readline().strip() != "done":
            raise RuntimeError(f"worker: {words} failed: " + self.log.read_text())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peer:
    """Something that is called in this process."""

    warm = WARM

    def __init__(self, works):
        self.works = works

    def prepare(self, task, file):
        data = Path(file).read_bytes()
        self.argument = opened(data) if task == "resize" else data

    def time(self, task, times):
        work = self.works[task]
        start = time.process_time_ns()
        for _ in range(times):
            work(self.argument)
        return (time.process_time_ns() - start) / times

    def close(self):
        self.argument = None


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
    rows, columns = naflex.grid(image.height, image.width, 16, 256)
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


def workers_of(task, peers, classpath):
    """Those that can do a task; Fovea with each decoder that this machine has."""
    for decoder, name in FOVEA.items():
        if decoder == "java" or task != "resize":
            fovea = Fovea(CONFIGS[task], decoder, classpath)
            if fovea.there:
                yield name, fovea
            elif decoder == "java":
                raise RuntimeError("worker: does not start: " + fovea.log.read_text())
    for name, peer in peers.items():
        if task in peer.works:
            yield name, peer


def measure(task, file, workers, options):
    """The times of each worker, round by round."""
    times = {}
    for name, worker in workers.items():
        worker.prepare(task, file)
        spent, count = 0, 1
        while spent < options.warm * worker.warm * 1e9:
            once = worker.time(task, count)
            spent += once * count
            count = min(2 * count, max(1, round(options.seconds * 1e9 / once)))
        times[name] = max(1, round(options.seconds * 1e9 / once))
        worker.warm = min(worker.warm, WARM)
    taken = {name: [] for name in workers}
    for round_ in range(options.rounds):
        # The other way round every other time: who is first has the colder caches.
        for name in list(workers)[:: 1 if round_ % 2 else -1]:
            taken[name].append(workers[name].time(task, times[name]))
    return taken


def ratios(theirs, ours):
    """Median and quartiles of their time as a multiple of ours."""
    low, middle, high = statistics.quantiles([a / b for a, b in zip(theirs, ours)], n=4)
    return f"{middle:.2f} ({low:.2f}..{high:.2f})"


def tables(taken, peers):
    for name in FOVEA.values():
        if not any(name in times for times in taken.values()):
            continue
        print(f"\nTimes as multiples of those of {name}:\n")
        print("| | ms | " + " | ".join(peers) + " |\n" + "|---" * (len(peers) + 2) + "|")
        for row, times in taken.items():
            if name in times:
                cells = [ratios(times[peer], times[name]) if peer in times else "" for peer in peers]
                print(f"| {row} | {statistics.median(times[name]) / 1e6:.2f} | " + " | ".join(cells) + " |")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--seconds", type=float, default=0.15, help="of CPU, for each measurement")
    arguments.add_argument("--warm", type=float, default=8, help="seconds of CPU before the first measurement")
    arguments.add_argument("--only", nargs="+", choices=list(CONFIGS), default=list(CONFIGS), metavar="ROW")
    arguments.add_argument("--quick", action="store_true", help="does it run through? The figures are of no use")
    arguments.add_argument("--classpath", help="of Fovea and its tests, where it is not Maven's")
    options = arguments.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.warm = 3, 0.03, 0.3
    classpath = options.classpath or ":".join(
        [f"{ROOT}/target/test-classes", f"{ROOT}/target/classes", (ROOT / "target/test.classpath").read_text().strip()])
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
    taken = {}
    for task in options.only:
        workers = dict(workers_of(task, peers, classpath))
        for width, height in SIZES:
            row = f"{task} {width}×{height}"
            taken[row] = measure(task, folder / f"{width}x{height}.jpg", workers, options)
            medians = (f"{name} {statistics.median(values) / 1e6:.2f}" for name, values in taken[row].items())
            print(f"{row}, ms: " + ", ".join(medians), file=sys.stderr, flush=True)
        for worker in workers.values():
            worker.close()
    tables(taken, peers)


if __name__ == "__main__":
    main()
