"""Writes ``training/curves``: what the runs left of how they learned, for ``./fovea eval --report --curves``.

``python -m pico.curves --run NAME``. A run whose history is no longer there keeps the curves that were written of it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from scenes.drawings import CACHE, TRAINING

CURVES = TRAINING / "curves"
ENCODERS = {"pico_vision": "", "pico_vision, further": "-further", "pico_cnn": "-cnn"}
"""What is added to the name of the run that trains each."""
READ = {
    "brief": "brief caption", "colour": "colour", "count": "count", "yes/no": "yes/no", "beside": "left or right",
    "nearer": "nearer", "emotion": "emotion",
}
"""Shares of the readers' history, and what they are called."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    run = CACHE / "runs" / parser.parse_args().run
    CURVES.mkdir(exist_ok=True)
    encoders = {}
    for name, suffix in ENCODERS.items():
        encoders |= series(run.with_name(run.name + suffix) / "history.json", {"watch_top1": name})
    write(CURVES / "encoders.json", "Image encoders by step of 128 scenes: zero-shot top-1 over 288 kinds", encoders)
    title = "Readers by step: texts and answers that are right word for word, emotions that are right"
    write(CURVES / "readers.json", title, series(run / "readers-history.json", READ))


def series(history: Path, names: dict[str, str]) -> dict[str, list]:
    """[step, share] of each entry that is named, by its name; nothing where the history is not there."""
    points = json.loads(history.read_text()) if history.exists() else []
    return {name: [[p["step"], round(p[key], 3)] for p in points] for key, name in names.items() if points}


def write(file: Path, title: str, new: dict[str, list]) -> None:
    """The curves, those that were there and are not made anew among them."""
    kept = json.loads(file.read_text())["series"] if file.exists() else {}
    lines = [f"  {json.dumps(name)}: {json.dumps(points)}" for name, points in (kept | new).items()]
    file.write_text(f'{{"title": {json.dumps(title)}, "series": {{\n' + ",\n".join(lines) + "\n}}\n")


if __name__ == "__main__":
    main()
