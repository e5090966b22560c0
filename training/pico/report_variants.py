"""``model-variants/README.md`` from what was measured."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import torch

from pico.cnn import CnnConfig, CnnEncoder
from pico.export import digest
from pico.report import interval, thinned
from scenes.drawings import HELD_BACK_STYLE, SEEN_STYLES, package_information


def page(run: Path, variants: Path, report: dict) -> str:
    """What the variants are, how to serve them, how well they see, how they were made, where they fail."""
    history = json.loads((run / "history.json").read_text())
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    parameters = sum(p.numel() for p in CnnEncoder(CnnConfig(**state["cnn"])).parameters())
    dim = state["cnn"]["projection_dim"]
    held_back = package_information(HELD_BACK_STYLE)
    digests = {name: digest(variants / folder / name / "1" / "model.onnx")
               for folder, name in (("cnn", "pico_cnn"), ("int8", "pico_vision_int8"))}
    return "\n".join([
        "# Variants of the reference family",
        "",
        "Written by `python -m pico.compare`; how they are made is told in `training/README.md`.",
        "",
        *_prose(
            "Each folder here is a whole model repository that sees with another encoder and shares the rest with",
            "`model-repository` by links. A server reads one repository, so these cost nothing until asked for:",
        ),
        "",
        "```",
        "./fovea serve --repository model-variants/cnn     # pico_cnn, texts",
        "training/python -m pico.quantize                  # makes model-variants/int8 in a minute or two",
        "./fovea serve --repository model-variants/int8    # pico_vision_int8, texts, captions, depth, emotion",
        "```",
        "",
        "They answer as family `pico` to the same calls; `./fovea classify --model pico_cnn` asks for one by its name.",
        "",
        "| model | what it is | parameters | input | output | SHA-256 of `1/model.onnx` |",
        "|---|---|---|---|---|---|",
        f"| `pico_cnn` | residual convolutions | {parameters / 1e6:.2f} M | `pixel_values` uint8 [N, 3, 128, 128] "
        f"| `image_embedding` [N, {dim}], `cell_embeddings` [N, 64, {dim}] | `{digests['pico_cnn']}` |",
        "| `pico_vision_int8` | `pico_vision` with 8-bit weights and activations | as `pico_vision` "
        f"| as `pico_vision` | as `pico_vision` | `{digests['pico_vision_int8']}` |",
        "",
        "All outputs are float32, embeddings have length one. `pico_cnn` sees squares: other pictures are squeezed.",
        "",
        "## Side by side",
        "",
        *_prose(
            f"Zero-shot over 288 kinds on unseen scenes. `pico_cnn` never saw the set {held_back['name']}",
            f"(`{HELD_BACK_STYLE}`, by {held_back['author']['name']}, {held_back['license']['title']}): what it does",
            "there is transfer to a style by an author whose drawings it does not know. The other two were trained on",
            "all nine sets, that one among them, and are no measure of transfer. (The text encoder was trained beside",
            "pictures of all nine sets.) 95 % Wilson intervals.",
        ),
        "",
        *_side_by_side(report),
        "",
        *_prose(
            "Presence: of the k kinds in a scene, how many are among the k whose best patch or cell scores best;",
            "scenes without drawings of the held-back set. Time: processor time of the encoder an image on one thread",
            "of a shared x86-64 processor with AVX2 and without VNNI (least of 30 runs), the picture already decoded.",
        ),
        "",
        "## How they were made",
        "",
        *_prose(
            f"`pico_cnn`: {state['step']} steps of 128 scenes, {state['seconds'] / 60:.0f} minutes on one core shared",
            f"with other work, float32, without the set `{HELD_BACK_STYLE}`, into the space of the text encoder that",
            "ships, which stayed as it is: captions by contrast, kinds on the whole picture, presence by the best",
            "cell, what each cell shows, with the text vectors of the kinds' prompts as fixed anchors. Pictures of 64,",
            "then 96, then 128 pixels. The learning curve is zero-shot top-1 on a few hundred scenes at 128 pixels, in",
            "the styles that it learns from:",
        ),
        "",
        "| step | minutes | top-1 |",
        "|---|---|---|",
        *(f"| {p['step']} | {p['minutes']:.0f} | {p['watch_top1']:.3f} |" for p in thinned(history)),
        "",
        *_prose(
            "`pico_vision_int8`: static quantisation by ONNX Runtime (QDQ): weights by output channel, activations in",
            "ranges seen on 128 calibration scenes, so rows stay independent. Float remain the norms, softmax, GELU,",
            "attention's products of activations, the last projections, and the first two convolutions of the stem,",
            "which are sensitive. Weights use 7 of their 8 bits: without VNNI, processors add pairs of 8-bit products",
            "in 16 bits, and with all 8 bits that overflowed (top-1 fell from 0.91 to 0.69 on 600 scenes).",
        ),
        "",
        "## Where they fail",
        "",
        "- As `model-repository/README.md` tells of the family: photographs, unknown words, small things among others.",
        "- `pico_cnn` is weaker on styles that it has not seen, as the table tells, and gives no relevance maps.",
        "- Vectors of `pico_cnn` and of `pico_vision` lie in the space of the same texts, but a picture does not have",
        "  the same vector in both: an index of pictures belongs to one of them.",
        "",
        "## Drawings",
        "",
        f"`pico_cnn` was trained on {len(SEEN_STYLES)} of the sets that `NOTICE` names, all but {held_back['name']}.",
        "",
    ])


def _prose(*parts: str) -> list[str]:
    return textwrap.wrap(" ".join(parts), 118, break_long_words=False, break_on_hyphens=False)


def _side_by_side(report: dict) -> list[str]:
    def row(what: str, value) -> str:
        return f"| {what} | " + " | ".join(value(one) for one in report.values()) + " |"
    styles = {"known": "eight known styles", "held-back": f"`{HELD_BACK_STYLE}`"}
    counts = next(iter(report.values()))["presence"]
    return [
        row("", lambda one: next(f"`{name}`" for name, other in report.items() if other is one)),
        "|---|" + "---|" * len(report),
        *(row(f"one thing, {said}, {top} (n = {next(iter(report.values()))[exam][top]['n']})",
              lambda one, exam=exam, top=top: interval(one[exam][top]))
          for exam, said in styles.items() for top in ("top-1", "top-5")),
        *(row(f"presence, {count} kinds (n = {counts[count]['n']})",
              lambda one, count=count: f"{one['presence'][count]['value']:.3f}") for count in counts),
        *(row(f"milliseconds an image, {rows} at once", lambda one, rows=rows: f"{one['milliseconds'][rows]:.2f}")
          for rows in ("1", "16")),
        row("megabytes", lambda one: f"{one['bytes'] / 1e6:.1f}"),
    ]
