"""Writes PNG files of every colour type, depth and interlacing, which Pillow does not."""

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(row, depth):
    """The samples of one row as bytes."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
    return np.packbits(bits.reshape(-1)).tobytes()


def paeth(a, b, c):
    pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def filtered(line, above, kind, step):
    out = bytearray([kind])
    for i, value in enumerate(line):
        a = line[i - step] if i >= step else 0
        b = above[i]
        c = above[i - step] if i >= step else 0
        out.append((value - [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]) & 255)
    return bytes(out)


def rows(samples, depth, step):
    """All rows of one pass; the five filters take turns."""
    above, out = None, b""
    for y, row in enumerate(samples):
        line = packed(row.reshape(-1), depth)
        out += filtered(line, above or bytes(len(line)), y % 5, step)
        above = line
    return out


def write(samples, kind, depth, interlaced=False, before=(), after=(), parts=1):
    """A file as bytes. `samples`: height, width, samples a pixel. `before` and `after`: chunks
    around the image data, as pairs of name and content. `parts`: how many IDAT chunks."""
    height, width = samples.shape[:2]
    samples = samples.reshape(height, width, SAMPLES[kind]).astype(np.uint32)
    step = max(1, SAMPLES[kind] * depth // 8)
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    data = b""
    for x, y, dx, dy in passes:
        part = samples[y::dy, x::dx]
        if part.size:
            data += rows(part, depth, step)
    data = zlib.compress(data, 9)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    out = SIGNATURE + chunk(b"IHDR", header)
    out += b"".join(chunk(*c) for c in before)
    size = -(-len(data) // parts)
    for at in range(0, len(data), size):
        out += chunk(b"IDAT", data[at : at + size])
    out += b"".join(chunk(*c) for c in after)
    return out + chunk(b"IEND", b"")
