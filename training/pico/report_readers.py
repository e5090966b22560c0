"""Writes the part of ``model-repository/README.md`` about the models that read patch features.

``python -m pico.report_readers --run NAME``; every figure comes from the run's ``readers-report.json`` and checkpoint.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pico.export import REPOSITORY, digest
from pico.heads import EMOTION_LABELS
from pico.train_readers import averaged_readers
from scenes.drawings import CACHE

BEGIN, END = "<!-- readers: begin -->", "<!-- readers: end -->"
BEFORE = "## Where it fails"
"""The heading that the part stands before when it is new."""

TARGETS = {
    "brief captions: things named, F1": 0.90, "brief captions: counts of the things named": 0.80,
    "brief captions: colours of painted things named": 0.85, "answers: what": 0.90, "answers: colour": 0.90,
    "answers: yes/no": 0.90, "answers: count": 0.80, "answers: beside": 0.80, "answers: over": 0.80,
    "answers: nearer": 0.85, "depth: order of two things": 0.90, "emotion: macro F1": 0.80,
}
"""What the family is wanted to reach."""
TWO_ANSWERS = ("beside", "over", "yes/no", "yes/no colour", "nearer")
"""Questions that guessing answers half of the time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="where the models are")
    options = parser.parse_args()
    insert(section(CACHE / "runs" / options.run, options.repository), REPOSITORY / "README.md")


def insert(text: str, page: Path) -> None:
    """Puts the part between its marks, in place of what was there."""
    content = page.read_text()
    part = f"{BEGIN}\n{text}{END}\n"
    if BEGIN in content:
        before, rest = content.split(BEGIN)
        content = before + part + rest.split(END)[1].removeprefix("\n")
    else:
        content = content.replace(BEFORE, f"{part}\n{BEFORE}")
    page.write_text(content)


def section(run: Path, repository: Path) -> str:
    """What the models are, how well they do, how they learned, where they fail."""
    report = json.loads((run / "readers-report.json").read_text())
    readers, state = averaged_readers(run / "readers.pt")
    models = {
        "pico_decoder": (readers.decoder, "writes captions and answers: a transformer with attention over the patches",
                         "`input_ids` int64 [N, T], `patch_features`, `patch_mask`, state",
                         "`logits` [N, T, 2048], `cross_attention` [N, T, 64], state"),
        "pico_depth": (readers.depth, "relative depth: 0 nearest, 1 farthest",
                       "`patch_features`, `patch_mask`, `patch_positions`", "`depth` [N, P, 16], 4x4 cells a patch"),
        "pico_emotion": (readers.emotion, "what the one face in a picture feels", "`patch_features`, `patch_mask`",
                         f"`logits` [N, {len(EMOTION_LABELS)}], in the order of `labels.txt`"),
    }
    return "\n".join([
        "## What reads the features: decoder, depth, emotion",
        "",
        "Three models that read `patch_features` of `pico_vision`, trained together while it stayed as it is.",
        "",
        "| model | what it is | parameters | input | output | SHA-256 of `1/model.onnx` |",
        "|---|---|---|---|---|---|",
        *(f"| `{name}` | {what} | {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M | {inputs} | {outputs} | "
          f"`{digest(repository / name / '1' / 'model.onnx')}` |"
          for name, (model, what, inputs, outputs) in models.items()),
        "",
        "The decoder is stepped. Its state has a fixed size and begins as zeros: `cache` (keys and values of the",
        "text), `memory` (those of the patches, made in the first step) and `length`. The first step brings the prompt",
        "and the patches, each further one a token and no patches; pieces of any length, alone or beside others, give",
        "the same (`python -m pico.validate`). It is not given the places of patches and finds the grid itself, so the",
        "real patches must come first and row by row.",
        "",
        "| asked for | prompt |",
        "|---|---|",
        "| a brief caption | `<s><caption>` |",
        "| a detailed caption | `<s><caption><detailed>` |",
        "| an answer | `<s><question> what is in the picture<answer>` |",
        "| the next answer | the text so far, ` a cat`, then `<question> how many cats are there<answer>` |",
        "",
        "It ends with `</s>`. Captions name things from left to right with their number, and with a colour where they",
        "are painted in one. It knows the questions of `training/scenes/questions.py`: what, how many, which colour,",
        "where, left or right of, above or below, yes or no, which is nearer, what the face feels, whether anything is",
        "dangerous. Depth has a meaning of its own only on a ground under a sky; elsewhere what is larger counts",
        "as nearer and the background as farthest. Emotions: " + ", ".join(EMOTION_LABELS[:-1]) + ".",
        "",
        "### How well they read",
        "",
        "Greedy decoding through the ONNX files, on unseen scenes of one to four things (depth and \"nearer\": two to",
        "four on a ground in perspective; emotion: one face among up to three other things), rendered and stored as",
        "above. An answer is right word for word; \"what\" in any order. 95 % Wilson intervals.",
        "",
        "| measure | value | wanted | n |",
        "|---|---|---|---|",
        *_figures(report),
        "",
        "Emotions, F1 each: " + ", ".join(
            f"{label} {value:.2f}" for label, value in report["emotion: macro F1"]["by emotion"].items()) + ".",
        "",
        "First captions of the examination, as said: " + "; ".join(
            f"\"{text}\"" for text in report["brief captions: examples"][:5]) + ".",
        "",
        "### How they learned",
        "",
        f"{state['step']} steps, {state['seconds'] / 60:.0f} minutes on a core shared with other work, float32; what",
        "they began with is told in `training/README.md`. Shares of texts and answers that are right word for word, on",
        "a few hundred scenes of their own:",
        "",
        "| step | minutes | brief caption | colour | count | yes/no | beside | nearer | emotion |",
        "|---|---|---|---|---|---|---|---|---|",
        *(f"| {point['step']} | {point['minutes']:.0f} | " + " | ".join(
            f"{point.get(kind, 0):.2f}"
            for kind in ("brief", "colour", "count", "yes/no", "beside", "nearer", "emotion")) + " |"
          for point in _thinned(state["history"])),
        "",
        "### Where they fail",
        "",
        *_failures(report),
        "- All nine sets of drawings were trained on, so how well they read a style they never saw is not measured.",
        "- What the image encoder does not tell apart, they cannot name.",
        "- A question asked in other words than those of `questions.py` may be taken for another; compare the rows",
        "  of unseen wordings.",
        "- They always say something: a photograph, or a thing they do not know, gets the name of a kind they know.",
        "",
    ])


def _figures(report: dict) -> list[str]:
    rows = []
    for name, value in report.items():
        if not isinstance(value, dict) or "value" not in value:
            continue
        wanted = f"{TARGETS[name]:.2f}" if name in TARGETS else ""
        if name in TARGETS and value["value"] < TARGETS[name]:
            wanted += ", missed"
        interval = f" ({value['low']:.3f} to {value['high']:.3f})" if "low" in value else ""
        rows.append(f"| {name} | {value['value']:.3f}{interval} | {wanted} | {value['n']} |")
    return rows


def _failures(report: dict) -> list[str]:
    missed = [f"{name} ({report[name]['value']:.2f}, wanted {target:.2f})"
              for name, target in TARGETS.items() if report[name]["value"] < target]
    guessed = [kind for kind in TWO_ANSWERS if report[f"answers: {kind}"]["low"] <= 0.5]
    return [
        *([f"- Short of what is wanted: {'; '.join(missed)}."] if missed else []),
        *([f"- No better than guessing one of two answers: {', '.join(guessed)}."] if guessed else []),
    ]


def _thinned(history: list[dict], count: int = 10) -> list[dict]:
    stride = max(1, len(history) // count)
    return history[::-1][::stride][::-1]


if __name__ == "__main__":
    main()
