"""Writes the images that native decoders are checked with at start, and the digests of Pillow's pixels:
src/main/resources/dev/fovea/image/codec/check."""

import hashlib
import io
from pathlib import Path

from PIL import Image

from pictures import photo

OUT = Path(__file__).parents[2] / "main" / "resources" / "dev" / "fovea" / "image" / "codec" / "check"


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    colours = Image.fromarray(photo(61, 47))
    see = Image.fromarray(photo(45, 31, 4, 9), "RGBA")
    files = {
        "420.jpeg": (colours, dict(format="JPEG", quality=90, restart_marker_blocks=2)),
        "422-progressive.jpeg": (colours, dict(format="JPEG", quality=80, subsampling=1, progressive=True)),
        "grey.jpeg": (colours.convert("L"), dict(format="JPEG", quality=80)),
        "lossy.webp": (colours, dict(format="WEBP", quality=80)),
        "lossless-alpha.webp": (see, dict(format="WEBP", lossless=True, exact=True)),
    }
    lines = []
    for name, (image, options) in files.items():
        buffer = io.BytesIO()
        image.save(buffer, **options)
        (OUT / name).write_bytes(buffer.getvalue())
        rgb = Image.open(buffer).convert("RGB").tobytes()
        lines.append(f"{name}\t{hashlib.sha256(rgb).hexdigest()}\n")
    (OUT / "digests.tsv").write_text("".join(lines))
    print(f"{len(files)} files, {sum(f.stat().st_size for f in OUT.iterdir())} bytes in {OUT}")


if __name__ == "__main__":
    main()
