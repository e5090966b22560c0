"""Repositories that see with another encoder: ``model-variants/NAME``, each with all that a family needs.

What a variant shares with ``model-repository`` is a link to it, so nothing is there twice.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from pico.calibration import Calibration
from pico.export import REPOSITORY, scores, write_json

VARIANTS = REPOSITORY.parent / "model-variants"


def space_of(repository: Path) -> str:
    """The name of the space that the repository's texts lie in."""
    configuration = (repository / "pico_text" / "config.pbtxt").read_text()
    return re.search(r'key: "space"\s+value: \{ string_value: "([^"]+)" \}', configuration).group(1)


def link(repository: Path, variant: Path, *paths: str) -> None:
    """Links in the variant to files or folders of the repository, relative, in place of what was there."""
    for path in paths:
        place = variant / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        place.symlink_to(os.path.relpath((repository / path).resolve(), place.parent.resolve()))


def share_texts(repository: Path, variant: Path, dim: int, calibration: Calibration) -> None:
    """The text encoder for an image encoder whose cosines become scores in a way of its own."""
    link(repository, variant, "pico_text/config.pbtxt", "pico_text/1", "pico_text/assets/tokenizer.json",
         "pico_text/assets/tokenizer_config.json")
    write_json(variant / "pico_text" / "assets" / "config.json", scores(dim, calibration))
