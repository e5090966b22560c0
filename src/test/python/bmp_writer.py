"""Writes bitmaps of the kinds that Pillow reads but does not write."""

import struct

import numpy as np


def rows(lines, bits, bottom_up=True):
    """Packed pixels, each row padded to four bytes."""
    out = []
    for line in lines:
        if bits >= 8:
            data = line.astype({8: "<u1", 16: "<u2", 32: "<u4"}[bits]).tobytes()
        else:
            ones = ((line[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
            data = np.packbits(ones.reshape(-1)).tobytes()
        out.append(data + bytes(-len(data) % 4))
    return b"".join(reversed(out) if bottom_up else out)


def write(width, height, bits, data, palette=b"", compression=0, masks=(), colours=0, top_down=False):
    header = struct.pack(
        "<IiiHHIIiiII",
        40, width, -height if top_down else height, 1, bits, compression, len(data), 2835, 2835, colours, 0,
    )
    header += b"".join(struct.pack("<I", m) for m in masks) + palette
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + data


def write_os2(width, height, bits, data, palette):
    header = struct.pack("<IHHHH", 12, width, height, 1, bits) + palette
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + data


def runs8(lines):
    """RLE8, bottom row first: runs where a pixel repeats, else pixels as they are."""
    out = b""
    for line in reversed(list(lines)):
        at = 0
        while at < len(line):
            run = 1
            while at + run < len(line) and run < 255 and line[at + run] == line[at]:
                run += 1
            if run > 1 or len(line) - at < 3:
                out += bytes([run, line[at]])
                at += run
            else:
                count = min(len(line) - at, 5)
                pixels = bytes(line[at : at + count])
                out += bytes([0, count]) + pixels + bytes(count % 2)
                at += count
        out += b"\0\0"
    return out + b"\0\1"


def runs4(lines):
    """RLE4: pairs of pixels that repeat."""
    out = b""
    for line in reversed(list(lines)):
        for at in range(0, len(line), 2):
            pair = list(line[at : at + 2]) + [0]
            out += bytes([min(2, len(line) - at), pair[0] << 4 | pair[1]])
        out += b"\0\0"
    return out + b"\0\1"
