"""Writes ``model-repository/README.md`` and ``NOTICE`` from what was measured and from what the sets say of themselves.

``python -m pico.report --run NAME``; every figure comes from the run's ``report.json`` and ``history.json``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch

from pico.calibration import Calibration
from pico.export import REPOSITORY
from pico.report_readers import insert, section
from pico.text import TextConfig, TextEncoder
from pico.train import further_checkpoint
from pico.vision import VisionConfig, VisionEncoder
from scenes.drawings import CACHE, STYLES, TRAINING, load_drawings, package_information
from scenes.kinds import load_kinds

NOTICE = TRAINING.parent / "NOTICE"
COMMANDS = """```
training/run                     # everything, from nothing; the same command goes on after an interruption
training/readers                 # only decoder, depth and emotion, for the encoders that are here
training/python -m pico.export   # only the encoders of this folder, from the run's checkpoints
training/python -m pico.evaluate # only their examination
```"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    run = CACHE / "runs" / parser.parse_args().run
    page = REPOSITORY / "README.md"
    page.write_text(model_card(run))
    if (run / "readers-report.json").exists():
        insert(section(run, REPOSITORY), page)
    NOTICE.write_text(notice())


def model_card(run: Path) -> str:
    """The page about the models: what, from what, how well, how made, where they fail."""
    report = json.loads((run / "report.json").read_text())
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    kinds = load_kinds()
    categories = sorted({kind.category for kind in kinds})
    return "\n".join([
        "# The reference family `pico`",
        "",
        "Written by `python -m pico.report`; how it is made and examined is told in `training/README.md`.",
        "",
        "A dual encoder trained from nothing on scenes composed of open drawings (emoji and pictograms): pictures",
        f"and texts meet in one space. It knows {len(kinds)} kinds of things, colours, small counts and simple places;",
        "it has never seen a photograph. The kinds and their words are in `training/scenes/kinds.txt`; categories:",
        f"{', '.join(categories[:11])},",
        f"{', '.join(categories[11:])}.",
        "",
        "| model | what it is | parameters | input | output | SHA-256 of `1/model.onnx` |",
        "|---|---|---|---|---|---|",
        _model_row("pico_vision", "transformer over 16x16 patches of any grid up to 16x16", state,
                   "`patches` uint8 [N, P, 768], `patch_mask` bool [N, P], `patch_positions` int32 [N, P, 2]",
                   "`image_embedding` [N, D], `patch_features` [N, P, W], `patch_embeddings` [N, P, D]"),
        _model_row("pico_text", "transformer over byte-level BPE tokens", state,
                   "`input_ids` int64 [N, L], `attention_mask` int64 [N, L]", "`text_embedding` [N, D]"),
        "",
        f"D = {state['vision']['projection_dim']}, W = {state['vision']['width']}; all outputs are float32, embeddings"
        " have length one. Patches are 16x16 pixels as uint8 in",
        "(y, x, channel) order, rows of the grid first; the normalisation is in the graph. Padding and neighbours",
        "change nothing (`python -m pico.validate`).",
        "",
        "## How well",
        "",
        "Through the ONNX files above: scenes never trained on, rendered from the SVGs at 256 to 512 pixels, stored",
        "as JPEG or PNG, opened and resized by Pillow as the service does. 95 % Wilson intervals.",
        "",
        *_figures(report),
        "",
        "Zero-shot classification, by set of drawings:",
        "",
        "| set | top-1 | n |",
        "|---|---|---|",
        *(f"| {style} | {interval(s)} | {s['n']} |" for style, s in report["one: top-1 by style"].items()),
        "",
        "Most frequent mistakes: " + "; ".join(report["one: most confused"]) + ".",
        "",
        "Scores: " + _scores(Calibration.read(run)),
        "",
        "## Training",
        "",
        "On 2 CPU cores shared with other work: first both encoders together, then the image encoder further, on",
        "scenes of up to six things, beside the text encoder that stayed (`python -m pico.train_further`). The",
        "learning curve is zero-shot top-1 over all kinds on a few hundred scenes of their own.",
        "",
        "| trained | step | minutes | top-1 |",
        "|---|---|---|---|",
        *(f"| {what} | {p['step']} | {p['minutes']:.0f} | {p['watch_top1']:.3f} |"
          for what, folder in (("both", run), ("image encoder", further_checkpoint(run).parent))
          for p in thinned(json.loads((folder / "history.json").read_text()))),
        "",
        COMMANDS,
        "",
        "## Where it fails",
        "",
        "- It knows drawings, not photographs: a photograph gets an answer that means little, and most are `rejected`.",
        "- Words it was not trained with fall apart into pieces and mean little to it.",
        "- Left and right, counts above three and colours are weaker than the things themselves.",
        "- Small things among several are missed more often than large ones.",
        "",
        "## Drawings",
        "",
        f"{len(load_drawings())} drawings of {len(kinds)} kinds, from these npm packages (digests in",
        "`training/drawings.sha256`). Only trained weights and the composed `examples/` are in this repository.",
        "",
        "| set | package and version | author | licence |",
        "|---|---|---|---|",
        *(_set_row(style) for style in STYLES),
        "",
        "The set `openmoji` is reserved for examinations of unseen styles and was neither looked at nor trained on.",
        "",
    ])


def _model_row(name: str, what: str, state: dict, inputs: str, outputs: str) -> str:
    vision = name == "pico_vision"
    encoder = VisionEncoder(VisionConfig(**state["vision"])) if vision else TextEncoder(TextConfig(**state["text"]))
    count = sum(parameter.numel() for parameter in encoder.parameters())
    digest = hashlib.sha256((REPOSITORY / name / "1" / "model.onnx").read_bytes()).hexdigest()
    return f"| `{name}` | {what} | {count / 1e6:.2f} M | {inputs} | {outputs} | `{digest}` |"


def _figures(report: dict) -> list[str]:
    rows = ["| measure | value | n |", "|---|---|---|"]
    one_thing = f"zero-shot over {report['kinds']} kinds, one thing: "
    for name, value in report.items():
        if isinstance(value, dict) and "value" in value:
            rows.append(f"| {name.replace('one: ', one_thing)} | {interval(value)} | {value['n']} |")
        elif name.startswith("presence"):
            rows.append(f"| {name} | {value:.3f} | |")
    return rows


def interval(value: dict) -> str:
    """A share with its interval, as the tables show it."""
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def _scores(calibration: Calibration) -> str:
    return (
        f"softmax over {calibration.logit_scale:.1f} times the cosine for a single label; sigmoid of "
        f"{calibration.multi_label_scale:.1f} times the cosine {calibration.multi_label_bias:+.2f} for several labels; "
        f"95 % of the scenes of one thing have a best cosine of at least {calibration.rejection_margin} more than the "
        "mean over all kinds, and what has less is rejected."
    )


def thinned(history: list[dict], count: int = 12) -> list[dict]:
    """About ``count`` points of the curve, the last among them."""
    stride = max(1, len(history) // count)
    return history[::-1][::stride][::-1]


def _set_row(style: str) -> str:
    facts = package_information(style)
    author, licence = facts["author"], facts["license"]
    return (
        f"| {facts['name']} | `@iconify-json/{style}` {facts['package']} | [{author['name']}]({author['url']}) "
        f"| [{licence['title']}]({licence['url']}) |"
    )


def notice() -> str:
    """``NOTICE``: who drew what."""
    lines = [
        "Fovea",
        "",
        "The models in model-repository/ and model-variants/ were trained on, and the composed scenes in examples/",
        "show, drawings of these sets, taken from the packages @iconify-json/* of the Iconify project. The drawings",
        "were cropped, scaled, turned, recoloured and put together.",
        "",
    ]
    for style in STYLES:
        facts = package_information(style)
        lines += [
            f"{facts['name']}, by {facts['author']['name']} ({facts['author']['url']})",
            f"    {facts['license']['title']}: {facts['license']['url']}",
        ]
    lines += [
        "",
        "Photographs in examples/ are by the people named in examples/README.md, under the licences given there.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
