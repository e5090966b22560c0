"""Contact sheets: one row a kind, one column a drawing, to check by eye that a slug means one thing.

``python -m scenes.sheet FOLDER [--rows N]`` writes ``sheet-1.png`` and so on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from scenes.drawings import load_drawings, training_sprites
from scenes.kinds import load_kinds

CELL = 44
NAMES = 150
COLUMNS = 14


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=38, help="rows on a sheet (two kinds a row)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    kinds, drawings, sprites = load_kinds(), load_drawings(), training_sprites()
    per_sheet = options.rows * 2
    for start in range(0, len(kinds), per_sheet):
        page = Image.new("RGB", (2 * (NAMES + COLUMNS * CELL), options.rows * CELL), "white")
        pen = ImageDraw.Draw(page)
        for place, kind in enumerate(kinds[start : start + per_sheet]):
            left = (place % 2) * (NAMES + COLUMNS * CELL)
            top = (place // 2) * CELL
            pen.text((left + 4, top + 14), f"{kind.name} ({kind.category})", fill="black")
            shown = [i for i, drawing in enumerate(drawings) if drawing.kind == kind.index]
            for column, index in enumerate(shown[:COLUMNS]):
                picture = Image.fromarray(np.array(sprites[index]))
                picture.thumbnail((CELL - 4, CELL - 4))
                page.paste(picture, (left + NAMES + column * CELL + 2, top + 2), picture)
        page.save(options.folder / f"sheet-{start // per_sheet + 1}.png")


if __name__ == "__main__":
    main()
