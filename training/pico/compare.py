"""Image encoders side by side: the transformer, its int8 twin, the convolutional one.

``python -m pico.compare --run NAME --calibrate`` measures how ``pico_cnn``'s cosines become scores, for its export;
``python -m pico.compare --run NAME`` examines all three and writes ``model-variants/README.md``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Collection
from pathlib import Path

import numpy as np

from pico.evaluate import calibrate, recall_at_k, share
from pico.exam import Sheet, sheets
from pico.export import REPOSITORY
from pico.report_variants import page
from pico.serving import Served
from pico.variants import VARIANTS
from scenes.drawings import CACHE, SEEN_STYLES, STYLES


def encoders(repository: Path, variants: Path) -> dict[str, tuple[Path, Collection[str]]]:
    """Where each is served from, and the styles that it has learned from."""
    return {
        "pico_vision": (repository, STYLES),
        "pico_vision_int8": (variants / "int8", STYLES),
        "pico_cnn": (variants / "cnn", SEEN_STYLES),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    parser.add_argument("--repository", type=Path, default=REPOSITORY)
    parser.add_argument("--variants", type=Path, default=VARIANTS)
    parser.add_argument("--one", type=int, default=1000, help="scenes of one thing, of each group of styles")
    parser.add_argument("--some", type=int, default=1000, help="scenes of one to three things")
    parser.add_argument("--calibrate", action="store_true")
    options = parser.parse_args()
    run = CACHE / "runs" / f"{options.run}-cnn"
    if options.calibrate:
        calibration = calibrate(Served(options.variants / "cnn", "pico_cnn", SEEN_STYLES))
        calibration.write(run)
        print(calibration)
        return
    exams = {"known": sheets("known", options.one), "held-back": sheets("held-back", options.one)}
    some = [sheet for sheet in sheets("some", options.some) if sheet.shows_only(SEEN_STYLES)]
    report = {}
    for name, (folder, styles) in encoders(options.repository, options.variants).items():
        served = Served(folder, name, styles)
        labels = served.kinds()
        report[name] = {
            "bytes": (folder / name / "1" / "model.onnx").stat().st_size,
            **{exam: one_thing(served, labels, scenes) for exam, scenes in exams.items()},
            "presence": presence(served, some),
            "milliseconds": {str(rows): milliseconds(served, exams["known"][:rows]) for rows in (1, 16)},
        }
        print(name, json.dumps(report[name]), flush=True)
    (run / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (options.variants / "README.md").write_text(page(run, options.variants, report))


def one_thing(served: Served, labels: np.ndarray, exam: list[Sheet]) -> dict:
    """How often the right kind is the best of all, and among the five best."""
    images, _ = served.embed_images([sheet.image for sheet in exam])
    truth = np.array([sheet.scene.things[0].kind for sheet in exam])
    cosines = images @ labels.T
    ranks = (cosines > cosines[np.arange(len(truth)), truth][:, None]).sum(1)
    return {"top-1": share(ranks == 0), "top-5": share(ranks < 5)}


def presence(served: Served, exam: list[Sheet]) -> dict:
    """Recall of the k kinds that are there among the k whose best place scores best, by how many there are."""
    _, places = served.embed_images([sheet.image for sheet in exam])
    best = (places @ served.kinds(("{}",)).T).max(1)
    hits: dict[int, list[float]] = {}
    for row, sheet in zip(best, exam, strict=True):
        hits.setdefault(len(sheet.scene.kinds()), []).append(recall_at_k(row, sheet.scene.kinds()))
    return {str(k): {"value": round(float(np.mean(hits[k])), 4), "n": len(hits[k])} for k in sorted(hits)}


def milliseconds(served: Served, exam: list[Sheet], times: int = 30) -> float:
    """Processor time of the encoder an image, on one thread: the least of several executions."""
    tensors = served.prepare([sheet.image for sheet in exam])
    took = []
    for _ in range(times):
        began = time.process_time()
        served.vision.run(served.outputs, tensors)
        took.append(time.process_time() - began)
    return round(1000 * min(took) / len(exam), 2)


if __name__ == "__main__":
    main()
