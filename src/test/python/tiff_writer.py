"""Writes TIFF files in every layout that is read, most of which Pillow does not write."""

import struct
import zlib

import numpy as np


def lzw(data):
    """LZW as TIFF has it: high bits first, codes that grow one early."""
    out, number, bits = bytearray(), 0, 0

    def put(code, size):
        nonlocal number, bits
        number, bits = number << size | code, bits + size
        while bits >= 8:
            bits -= 8
            out.append(number >> bits & 255)
        number &= (1 << bits) - 1

    table, size, run = {bytes([i]): i for i in range(256)}, 9, b""
    following = 258
    put(256, 9)
    for value in data:
        longer = run + bytes([value])
        if longer in table:
            run = longer
            continue
        put(table[run], size)
        table[longer], following, run = following, following + 1, bytes([value])
        if following == 1 << size and size < 12:
            size += 1
        elif following == 4095:
            put(256, size)
            table, size, following = {bytes([i]): i for i in range(256)}, 9, 258
    put(table[run], size)
    put(257, size + (following == (1 << size) - 1 and size < 12))
    put(0, 7)
    return bytes(out)


def pack_bits(data):
    out, at = bytearray(), 0
    while at < len(data):
        run = 1
        while at + run < len(data) and run < 128 and data[at + run] == data[at]:
            run += 1
        if run > 1:
            out += bytes([257 - run, data[at]])
        else:
            run = min(5, len(data) - at)
            out += bytes([run - 1]) + data[at : at + run]
        at += run
    return bytes(out)


COMPRESSIONS = {1: bytes, 5: lzw, 8: zlib.compress, 32946: zlib.compress, 32773: pack_bits}


def row_bytes(row, bits, order):
    if bits == 16:
        return row.astype(order + "u2").tobytes()
    if bits == 8:
        return row.astype(np.uint8).tobytes()
    each = ((row[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
    return np.packbits(each.reshape(-1)).tobytes()


def tile_bytes(samples, bits, order, predictor):
    samples = samples.astype(np.int64)
    if predictor == 2:
        samples = samples.copy()
        samples[:, 1:] = (samples[:, 1:] - samples[:, :-1]) % (1 << bits)
    return b"".join(row_bytes(row.reshape(-1), bits, order) for row in samples)


def write(samples, photometric, bits=8, compression=1, order="<", predictor=1, planar=1, tile=None,
          rows=None, fill_order=1, extra=(), colours=None, tags=(), big=False, pages=1):
    """A file as bytes. `samples`: height, width, samples a pixel. `tile`: width and height; else
    strips of `rows`. `tags`: more fields, as tag, type and numbers."""
    height, width, count = samples.shape
    tile_width, tile_height = tile or (width, rows or height)
    planes = [samples[:, :, i : i + 1] for i in range(count)] if planar == 2 else [samples]
    parts = []
    for plane in planes:
        for top in range(0, height, tile_height):
            for left in range(0, width, tile_width):
                part = plane[top : top + tile_height, left : left + tile_width]
                if tile:
                    part = np.pad(part, ((0, tile_height - part.shape[0]), (0, tile_width - part.shape[1]), (0, 0)))
                data = COMPRESSIONS[compression](tile_bytes(part, bits, order, predictor))
                if fill_order == 2:
                    data = bytes(int(f"{b:08b}"[::-1], 2) for b in data)
                parts.append(data)
    head = 16 if big else 8
    body, offsets = b"", []
    for data in parts:
        offsets.append(head + len(body))
        body += data + bytes(len(data) % 2)
    fields = [(256, 3, [width]), (257, 3, [height]), (258, 3, [bits] * count), (259, 3, [compression]),
              (262, 3, [photometric]), (277, 3, [count]), (284, 3, [planar])]
    if tile:
        fields += [(322, 3, [tile_width]), (323, 3, [tile_height]), (324, 4, offsets), (325, 4, [len(p) for p in parts])]
    else:
        fields += [(273, 4, offsets), (278, 3, [tile_height]), (279, 4, [len(p) for p in parts])]
    fields += [(266, 3, [2])] * (fill_order == 2) + [(317, 3, [2])] * (predictor == 2)
    fields += [(338, 3, list(extra))] * bool(extra) + [(320, 3, list(colours or ()))] * bool(colours)
    fields = sorted(fields + list(tags))
    directories = b""
    for page in range(pages):
        at = head + len(body) + len(directories)
        directories += directory(fields, at, order, big, page + 1 < pages)
    first = struct.pack(order + ("Q" if big else "I"), head + len(body))
    mark = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    return mark + (struct.pack(order + "HH", 8, 0) if big else b"") + first + body + directories


def directory(fields, at, order, big, more):
    entry, count, inline = (20, "Q", 8) if big else (12, "I", 4)
    length = (8 if big else 2) + entry * len(fields) + inline
    out, behind = struct.pack(order + ("Q" if big else "H"), len(fields)), b""
    for tag, kind, values in fields:
        data = struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind] * len(values), *values)
        if len(data) > inline:
            place = at + length + len(behind)
            behind += data + bytes(len(data) % 2)
            data = struct.pack(order + count, place)
        out += struct.pack(order + "HH" + count, tag, kind, len(values)) + data.ljust(inline, b"\0")
    following = at + length + len(behind) if more else 0
    return out + struct.pack(order + count, following) + behind
