"""Prints how long Fovea takes for image work, as a multiple of what its peers take, all in one
interleaved run on one core.

    mvn -q test-compile dependency:build-classpath -Dmdep.outputFile=target/test.classpath
    src/test/python/python.sh bench_images.py"""

import argparse
import io
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from golden import naflex_grid
from pictures import photo

ROOT = Path(__file__).resolve().parents[3]
FOVEA = {
    "image_processor_type": "FoveaPatchImageProcessor", "backend": "pil", "do_convert_rgb": True,
    "do_resize": True, "resample": 2, "patch_size": 16, "max_num_patches": 64, "max_patches_per_side": 16,
}


class Java:
    """Fovea, in a process of its own that waits while others work."""

    def __init__(self, assets, flags):
        classpath = f"{ROOT}/target/test-classes:{ROOT}/target/classes:" + (ROOT / "target/test.classpath").read_text()
        java = os.path.join(os.environ.get("JAVA_HOME", "/usr"), "bin", "java")
        command = [java, *flags, "-XX:+UseSerialGC", "-Xmx2g", "-cp", classpath, "dev.fovea.bench.ImageWorker", assets]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def time(self, work, file, times):
        print(work, file, times, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline()) / times


class Pillow:
    @staticmethod
    def decode(file):
        return ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB")

    @staticmethod
    def process(image):
        rows, columns = (min(16, n) for n in naflex_grid(image.height, image.width, 16, 64))
        resized = np.asarray(image.resize((columns * 16, rows * 16), Image.Resampling.BILINEAR))
        patches = np.zeros((64, 768), np.uint8)
        patches[: rows * columns] = (
            resized.reshape(rows, 16, columns, 16, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 768))
        return patches

    def time(self, work, file, times):
        data = Path(file).read_bytes()
        image = self.decode(data)
        start = time.perf_counter_ns()
        for _ in range(times):
            if work == "decode":
                self.decode(data)
            elif work == "process":
                self.process(image)
            else:
                self.process(self.decode(data))
        return (time.perf_counter_ns() - start) / times


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--seconds", type=float, default=0.3, help="of each measurement")
    options = arguments.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    folder = Path(tempfile.mkdtemp())
    (folder / "preprocessor_config.json").write_text(json.dumps(FOVEA))
    peers = {"fovea": Java(str(folder), []), "pillow": Pillow()}
    for width, height in ((640, 480), (1920, 1080), (4032, 3024)):
        file = folder / f"{width}x{height}.jpg"
        Image.fromarray(photo(width, height)).filter(ImageFilter.GaussianBlur(1)).save(file, quality=88)
        for work in ("decode", "process", "both"):
            warm = {name: peer.time(work, file, 3) for name, peer in peers.items()}
            warm = {name: peer.time(work, file, max(1, int(4e9 / warm[name]))) for name, peer in peers.items()}
            times = {name: max(1, int(options.seconds * 1e9 / warm[name])) for name in peers}
            ratios, fovea, pillow = [], [], []
            for _ in range(options.rounds):
                fovea.append(peers["fovea"].time(work, file, times["fovea"]))
                pillow.append(peers["pillow"].time(work, file, times["pillow"]))
                ratios.append(fovea[-1] / pillow[-1])
            low, _, high = statistics.quantiles(ratios, n=4)
            print(f"{width}x{height} ({file.stat().st_size >> 10} KiB) {work:8}"
                  f" fovea {statistics.median(fovea) / 1e6:8.2f} ms  pillow {statistics.median(pillow) / 1e6:8.2f} ms"
                  f"  ratio {statistics.median(ratios):.2f} ({low:.2f}..{high:.2f})", flush=True)


if __name__ == "__main__":
    main()
