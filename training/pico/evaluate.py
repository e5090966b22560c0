"""Calibrates and examines the exported models, through their ONNX files and the real preprocessing.

``python -m pico.evaluate --run NAME --calibrate`` measures scales and thresholds on scenes of their own;
``python -m pico.evaluate --run NAME`` examines and writes ``report.json`` into the run's folder.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np

from pico.calibration import Calibration
from pico.exam import Sheet, sheets
from pico.export import REPOSITORY
from pico.patches import naflex_grid
from pico.serving import Served
from scenes.captions import HELD_BACK_PROMPTS, HYPOTHESIS_TEMPLATES
from scenes.drawings import CACHE, load_drawings
from scenes.kinds import load_kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    parser.add_argument("--repository", type=Path, default=REPOSITORY)
    parser.add_argument("--one", type=int, default=2000, help="scenes of one thing")
    parser.add_argument("--some", type=int, default=1000, help="scenes of one to three things")
    parser.add_argument("--calibrate", action="store_true")
    options = parser.parse_args()
    run, served = CACHE / "runs" / options.run, Served(options.repository)
    if options.calibrate:
        calibration = calibrate(served)
        calibration.write(run)
        print(calibration)
        return
    began = time.time()
    report = {
        **zero_shot(served, sheets("one", options.one)),
        **several(served, sheets("some", options.some)),
    }
    report["seconds"] = round(time.time() - began)
    (run / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    for name, value in report.items():
        print(f"{name}: {value}")


def zero_shot(served: Served, exam: list[Sheet]) -> dict:
    """Single-label classification over all kinds of scenes of one thing."""
    images, _ = served.embed_images([sheet.image for sheet in exam])
    truth = np.array([sheet.scene.things[0].kind for sheet in exam])
    cosines = images @ served.kinds().T
    ranks = (cosines > cosines[np.arange(len(truth)), truth][:, None]).sum(1)
    unseen_words = images @ served.kinds(HELD_BACK_PROMPTS).T
    synonyms = images @ synonym_embeddings(served).T
    large = np.array([sheet.scene.things[0].size >= 0.7 for sheet in exam])
    square = np.array([naflex_grid(s.image.height, s.image.width) == (8, 8) for s in exam])
    styles = np.array([load_drawings()[sheet.scene.things[0].drawing].style for sheet in exam])
    right = ranks == 0
    return {
        "kinds": len(load_kinds()),
        "one: top-1": share(right),
        "one: top-5": share(ranks < 5),
        "one: top-1, large things (0.7 and more)": share(right[large]),
        "one: top-1, small things": share(right[~large]),
        "one: top-1, square pictures": share(right[square]),
        "one: top-1, other aspects": share(right[~square]),
        "one: top-1, wordings never trained on": share(unseen_words.argmax(1) == truth),
        "one: top-1, synonyms as labels": share(synonyms.argmax(1) == truth),
        "one: top-1 by style": {style: share(right[styles == style]) for style in sorted(set(styles))},
        "one: most confused": confusions(cosines.argmax(1), truth),
    }


def synonym_embeddings(served: Served) -> np.ndarray:
    """As ``Served.kinds`` with each kind's first synonym where it has one."""
    texts = [kind.noun_phrase(kind.words[min(1, len(kind.words) - 1)]) for kind in load_kinds()]
    return served.embed_texts([HYPOTHESIS_TEMPLATES[0].format(text) for text in texts])


def several(served: Served, exam: list[Sheet]) -> dict:
    """Retrieval by caption and presence of each thing, in scenes of one to three things."""
    images, patches = served.embed_images([sheet.image for sheet in exam])
    captions = served.embed_texts([sheet.caption for sheet in exam])
    labels = served.kinds()
    report: dict = {}
    for count in (500, 1000):
        if count <= len(exam):
            cosines = images[:count] @ captions[:count].T
            report |= retrieval(f"captions among {count}", cosines)
    more = np.array([len(sheet.scene.things) > 1 for sheet in exam])
    chosen = np.flatnonzero(more)[:500]
    report |= retrieval(f"captions among {len(chosen)}, two or three things", images[chosen] @ captions[chosen].T)
    pooled = images @ labels.T
    best_patch = (patches @ labels.T).max(1)
    for name, scores in (("pooled vector", pooled), ("best patch", best_patch), ("both", pooled + best_patch)):
        hits = [recall_at_k(row, sheet.scene.kinds()) for row, sheet in zip(scores, exam, strict=True)]
        for count in (1, 2, 3):
            those = [hit for hit, sheet in zip(hits, exam, strict=True) if len(sheet.scene.kinds()) == count]
            report[f"presence by {name}: recall@k, {count} kinds"] = round(float(np.mean(those)), 4)
    return report


def retrieval(name: str, cosines: np.ndarray) -> dict:
    """Recall of the own caption for each image and of the own image for each caption."""
    own = np.diag(cosines)
    to_text = (cosines > own[:, None]).sum(1)
    to_image = (cosines > own[None, :]).sum(0)
    return {
        f"{name}: image to text recall@1": share(to_text == 0),
        f"{name}: image to text recall@10": share(to_text < 10),
        f"{name}: text to image recall@1": share(to_image == 0),
    }


def recall_at_k(scores: np.ndarray, present: list[int]) -> float:
    """Share of the k kinds present that are among the k best."""
    best = np.argsort(-scores)[: len(present)]
    return len(set(best) & set(present)) / len(present)


def share(hits: np.ndarray) -> dict[str, float]:
    """A share with its 95 % Wilson interval and the number of cases."""
    n = max(1, len(hits))
    p, z = float(np.mean(hits)) if len(hits) else 0.0, 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return {"value": round(p, 4), "low": round(middle - reach, 4), "high": round(middle + reach, 4), "n": len(hits)}


def confusions(guessed: np.ndarray, truth: np.ndarray, count: int = 12) -> list[str]:
    """The most frequent mistakes: ``truth taken for guess: times of cases``."""
    kinds = load_kinds()
    wrong: dict[tuple[int, int], int] = {}
    for t, g in zip(truth.tolist(), guessed.tolist(), strict=True):
        if t != g:
            wrong[t, g] = wrong.get((t, g), 0) + 1
    cases = np.bincount(truth, minlength=len(kinds))
    most = sorted(wrong.items(), key=lambda item: -item[1])[:count]
    return [f"{kinds[t].name} taken for {kinds[g].name}: {times} of {cases[t]}" for (t, g), times in most]


def calibrate(served: Served, count: int = 1000) -> Calibration:
    """Scales by maximum likelihood, threshold at 95 % true acceptance, on scenes that no examination uses."""
    labels = served.kinds()
    one, some = (
        [sheet for sheet in sheets(name, count) if sheet.shows_only(served.styles)]
        for name in ("calibration-one", "calibration-some")
    )
    cosines = served.embed_images([sheet.image for sheet in one])[0] @ labels.T
    truth = np.array([sheet.scene.things[0].kind for sheet in one])
    scales = np.arange(4.0, 80.0, 0.5)
    likelihoods = [log_likelihood(scale * cosines, truth) for scale in scales]
    images, patches = served.embed_images([sheet.image for sheet in some])
    mixed = images @ labels.T
    present = np.zeros_like(mixed)
    for row, sheet in zip(present, some, strict=True):
        row[sheet.scene.kinds()] = 1
    scale, bias = logistic(mixed.reshape(-1), present.reshape(-1))
    best_patch = (patches @ served.kinds(("{}",)).T).max(1)
    patch_scale, patch_bias = logistic(best_patch.reshape(-1), present.reshape(-1))
    return Calibration(
        logit_scale=float(scales[int(np.argmax(likelihoods))]),
        multi_label_scale=round(scale, 3),
        multi_label_bias=round(bias, 3),
        patch_scale=round(patch_scale, 3),
        patch_bias=round(patch_bias, 3),
        rejection_margin=round(float(np.quantile(cosines.max(1) - cosines.mean(1), 0.05)), 4),
        rejection_background=tuple(round(float(x), 5) for x in labels.mean(0)),
    )


def log_likelihood(logits: np.ndarray, truth: np.ndarray) -> float:
    """Mean log-probability of the truth under a softmax."""
    logits = logits - logits.max(1, keepdims=True)
    return float(np.mean(logits[np.arange(len(truth)), truth] - np.log(np.exp(logits).sum(1))))


def logistic(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and bias of the logistic regression of y (0 or 1) on one variable x, by Newton's method."""
    scale, bias = 10.0, -5.0
    for _ in range(60):
        p = 1 / (1 + np.exp(-(scale * x + bias)))
        w = p * (1 - p) + 1e-9
        gradient = np.array([((y - p) * x).sum(), (y - p).sum()])
        hessian = np.array([[(w * x * x).sum(), (w * x).sum()], [(w * x).sum(), w.sum()]])
        change = np.linalg.solve(hessian, gradient)
        step = min(1.0, 10.0 / float(np.abs(change).max() + 1e-9))
        scale, bias = scale + step * float(change[0]), bias + step * float(change[1])
    return scale, bias


if __name__ == "__main__":
    main()
