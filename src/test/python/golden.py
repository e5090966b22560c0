"""Writes the golden files of the image tests: small pictures in every form that is read, and what
Pillow makes of them.

    src/test/python/python.sh golden.py

Everything lands in src/test/resources/golden/images."""

import hashlib
import io
import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps

import bmp_writer
import png_writer as png
import tiff_writer as tiff
from naflex import grid
from pictures import pattern, photo

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "resources" / "golden" / "images"
BACKGROUND = (30, 160, 220)
warnings.simplefilter("ignore")


def sha(data):
    return hashlib.sha256(data).hexdigest()


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


# ---------------------------------------------------------------- JPEG


def segment(marker, content):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def exif(orientation, order="<"):
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 274, 3, 1, orientation, 0)
    return b"Exif\0\0" + head + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


def xmp(orientation, attribute=True):
    text = f'tiff:Orientation="{orientation}"' if attribute else f"<tiff:Orientation>{orientation}</tiff:Orientation>"
    return f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{text}</x:xmpmeta>".encode()


def with_segments(jpeg, *segments, drop=()):
    """A JPEG file with segments put in after its start, and those of the markers in `drop` left out."""
    out, at = jpeg[:2] + b"".join(segments), 2
    while jpeg[at + 1] != 0xDA:
        length = struct.unpack(">H", jpeg[at + 2 : at + 4])[0] + 2
        if jpeg[at + 1] not in drop:
            out += jpeg[at : at + length]
        at += length
    return out + jpeg[at:]


def in_scans(*greys):
    """One baseline file in which each component has a scan of its own: the scans of grey files."""
    head, scans = b"", b""
    for number, jpeg in enumerate(greys, 1):
        start = jpeg.index(b"\xff\xda")
        scans += jpeg[start : start + 5] + bytes([number]) + jpeg[start + 6 : -2]
        at = jpeg.index(b"\xff\xc0")
        head = jpeg[:at] + segment(0xC0, jpeg[at + 4 : at + 9] + bytes([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]))
        head += jpeg[at + 13 : start]
    return head + scans + b"\xff\xd9"


def with_sampling(jpeg, luma):
    """The same blocks under another sampling of the first component: a picture out of order, and a
    valid file where the number of blocks agrees."""
    at = jpeg.index(b"\xff\xc0" if b"\xff\xc0" in jpeg else b"\xff\xc2")
    return jpeg[: at + 11] + bytes([luma]) + jpeg[at + 12 :]


def jpegs():
    rgb = Image.fromarray(photo(61, 47))
    square = Image.fromarray(photo(64, 64, seed=2))
    grey = Image.fromarray(photo(61, 47, 1, 3)[:, :, 0])
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        for quality in (30, 90, 100):
            yield f"{name}-q{quality}.jpg", saved(rgb, format="JPEG", subsampling=sampling, quality=quality)
        yield f"{name}-progressive.jpg", saved(rgb, format="JPEG", subsampling=sampling, quality=85, progressive=True)
    for size in (1, 2, 7, 8, 9, 15, 16, 17, 33):
        small = Image.fromarray(photo(size, 40 - size, seed=size))
        yield f"420-{size}x{40 - size}.jpg", saved(small, format="JPEG", quality=90)
    yield "411.jpg", with_sampling(saved(square, format="JPEG", subsampling=2, quality=90), 0x41)
    yield "114.jpg", with_sampling(saved(square, format="JPEG", subsampling=2, quality=90), 0x14)
    yield "restarts.jpg", saved(rgb, format="JPEG", quality=85, restart_marker_blocks=2)
    yield "restarts-progressive.jpg", saved(rgb, format="JPEG", progressive=True, restart_marker_rows=1)
    yield "three-scans.jpg", in_scans(*(
        saved(Image.fromarray(photo(61, 47, 1, seed)[:, :, 0]), format="JPEG", quality=85) for seed in (3, 4, 5)))
    yield "grey.jpg", saved(grey, format="JPEG", quality=85)
    yield "grey-progressive.jpg", saved(grey, format="JPEG", quality=85, progressive=True)
    yield "cmyk.jpg", saved(Image.fromarray(photo(61, 47, 4, 4), "CMYK"), format="JPEG", quality=90)
    cmyk = saved(Image.fromarray(photo(61, 47, 4, 4), "CMYK"), format="JPEG", quality=90)
    yield "cmyk-no-adobe.jpg", with_segments(cmyk, drop=(0xEE,))
    yield "ycck.jpg", with_segments(cmyk, segment(0xEE, b"Adobe\0\x64\0\0\0\0\x02"), drop=(0xEE,))
    yield "rgb.jpg", saved(rgb, format="JPEG", quality=90, keep_rgb=True)
    plain = saved(rgb, format="JPEG", quality=90)
    yield "no-jfif.jpg", with_segments(plain, drop=(0xE0,))
    adobe = b"Adobe\0\x64\0\0\0\0"
    yield "adobe-ycc.jpg", with_segments(plain, segment(0xEE, adobe + b"\1"), drop=(0xE0,))
    yield "adobe-rgb.jpg", with_segments(plain, segment(0xEE, adobe + b"\0"), drop=(0xE0,))
    yield "adobe-odd-transform.jpg", with_segments(plain, segment(0xEE, adobe + b"\7"), drop=(0xE0,))
    yield "jfif-and-adobe-rgb.jpg", with_segments(plain, segment(0xEE, adobe + b"\0"))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    profile = profile[:24] + bytes(12) + profile[36:]  # without the time of its making
    yield "icc.jpg", saved(rgb, format="JPEG", quality=90, icc_profile=profile)
    yield "broken-icc.jpg", saved(rgb, format="JPEG", quality=90, icc_profile=b"no profile")
    yield "fill-bytes.jpg", plain[:2] + b"\xff\xff" + plain[2:]
    yield "comment.jpg", with_segments(plain, segment(0xFE, b"\xff\xd8\xff\xd9 not an end"))
    at = plain.index(b"\xff\xc0") + 5
    yield "less-data-than-declared.jpg", plain[:at] + struct.pack(">HH", 90, 70) + plain[at + 4 :]
    small = saved(Image.fromarray(photo(13, 9, seed=5)), format="JPEG", quality=95)
    for orientation in range(0, 10):
        yield f"exif-{orientation}.jpg", with_segments(small, segment(0xE1, exif(orientation, "<>"[orientation % 2])))
    yield "xmp-6.jpg", with_segments(small, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(6)))
    yield "xmp-element-8.jpg", with_segments(small, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(8, False)))
    yield "exif-3-xmp-6.jpg", with_segments(
        small, segment(0xE1, exif(3)), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(6))
    )
    many = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 274, 3, 3, 26) + bytes(4) + struct.pack("<HHH", 6, 1, 1)
    yield "exif-6-elsewhere.jpg", with_segments(small, segment(0xE1, b"Exif\0\0" + many))
    long = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 274, 4, 1, 6) + bytes(4)
    yield "exif-6-long.jpg", with_segments(small, segment(0xE1, b"Exif\0\0" + long))


def jpegs_for_turbo():
    """Files on which libjpeg 6b and libjpeg-turbo do not agree: chroma halved in rows only."""
    square = Image.fromarray(photo(64, 64, seed=2))
    plain = saved(square, format="JPEG", subsampling=1, quality=90)
    yield "440.jpg", with_sampling(plain, 0x12)
    yield "440-progressive.jpg", with_sampling(
        saved(square, format="JPEG", subsampling=1, quality=90, progressive=True), 0x12)


# ---------------------------------------------------------------- PNG


def pngs():
    depths = {png.GREY: (1, 2, 4, 8, 16), png.COLOUR: (8, 16), png.PALETTE: (1, 2, 4, 8),
              png.GREY_ALPHA: (8, 16), png.COLOUR_ALPHA: (8, 16)}
    names = {png.GREY: "grey", png.COLOUR: "colour", png.PALETTE: "palette",
             png.GREY_ALPHA: "grey-alpha", png.COLOUR_ALPHA: "colour-alpha"}
    random = np.random.RandomState(11)
    for kind, allowed in depths.items():
        for depth in allowed:
            shape = (19, 23, png.SAMPLES[kind])
            samples = random.randint(0, 1 << depth, shape)
            palette = ((b"PLTE", random.randint(0, 256, 3 << depth).astype(np.uint8).tobytes()),)
            before = palette if kind == png.PALETTE else ()
            yield f"{names[kind]}-{depth}.png", png.write(samples, kind, depth, before=before)
            yield f"{names[kind]}-{depth}-interlaced.png", png.write(samples, kind, depth, True, before=before)
    for width, height in ((1, 1), (1, 9), (9, 1), (2, 3), (3, 5), (5, 2)):
        samples = random.randint(0, 256, (height, width, 3))
        yield f"interlaced-{width}x{height}.png", png.write(samples, png.COLOUR, 8, True)
    indices = random.randint(0, 8, (9, 11, 1))
    palette = random.randint(0, 256, 24).astype(np.uint8).tobytes()
    yield "palette-transparent.png", png.write(
        indices, png.PALETTE, 8, before=((b"PLTE", palette), (b"tRNS", bytes([255, 0, 128, 7, 200]))))
    yield "palette-one-transparent.png", png.write(
        indices, png.PALETTE, 4, before=((b"PLTE", palette), (b"tRNS", bytes([255, 0, 255]))))
    yield "palette-short.png", png.write(indices, png.PALETTE, 8, before=((b"PLTE", palette[:12]),))
    few = random.randint(0, 4, (9, 11, 3)) * 60
    yield "colour-key.png", png.write(few, png.COLOUR, 8, before=((b"tRNS", struct.pack(">HHH", *few[3, 4])),))
    yield "grey-key.png", png.write(few[:, :, :1], png.GREY, 8, before=((b"tRNS", struct.pack(">H", few[3, 4, 0])),))
    bit = random.randint(0, 2, (9, 11, 1))
    yield "grey-key-1.png", png.write(bit, png.GREY, 1, before=((b"tRNS", b"\0\1"),))
    small = photo(13, 9, seed=6)
    write = lambda before=(), after=(), parts=1: png.write(small, png.COLOUR, 8, before=before, after=after, parts=parts)
    yield "many-idat.png", write(parts=40)
    yield "exif-6.png", write(before=((b"eXIf", exif(6)[6:]),))
    yield "exif-after-data-8.png", write(after=((b"eXIf", exif(8)[6:]),))
    yield "exif-text-3.png", write(before=((b"tEXt", b"exif\0" + exif(3)),))
    raw = b"\nexif\n%8d\n" % len(exif(7)) + exif(7).hex().encode() + b"\n"
    yield "raw-profile-7.png", write(before=((b"tEXt", b"Raw profile type exif\0" + raw),))
    yield "raw-profile-z-7.png", write(before=((b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)),))
    yield "xmp-6.png", write(before=((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6)),))
    yield "xmp-z-6.png", write(before=((b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp(6))),))
    yield "exif-2-raw-profile-7.png", write(
        before=((b"tEXt", b"Raw profile type exif\0" + raw), (b"eXIf", exif(2)[6:])))
    yield "broken-icc.png", write(before=((b"iCCP", b"x\0\0not compressed"),))
    yield "gamma.png", write(before=((b"gAMA", struct.pack(">I", 12345)),))
    yield "unknown-chunk.png", write(before=((b"vpAg", b"private"),))


# ---------------------------------------------------------------- GIF


def gifs():
    indices = np.random.RandomState(21).randint(0, 16, (37, 29)).astype(np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette(np.random.RandomState(22).randint(0, 256, 48).astype(np.uint8).tobytes())
    plain = saved(image, format="GIF", interlace=0)
    yield "plain.gif", plain
    yield "interlaced.gif", saved(image, format="GIF", interlace=1)
    yield "transparent.gif", saved(image, format="GIF", transparency=5)
    for height in (1, 2, 3, 4, 5):
        yield f"interlaced-{height}.gif", saved(image.crop((0, 0, 9, height)), format="GIF", interlace=1)
    yield "grey.gif", saved(Image.fromarray(photo(61, 47, 1)[:, :, 0]), format="GIF")
    noise = Image.fromarray(np.random.RandomState(23).randint(0, 256, (120, 130)).astype(np.uint8))
    yield "full-table.gif", saved(noise, format="GIF")
    flat = Image.new("P", (200, 100), 3)
    flat.putpalette(bytes(range(48)))
    yield "flat.gif", saved(flat, format="GIF")
    frames = [Image.fromarray((indices + i) % 16, "P") for i in range(3)]
    for frame in frames:
        frame.putpalette(image.getpalette())
    yield "animated.gif", saved(frames[0], format="GIF", save_all=True, append_images=frames[1:], duration=40)
    at = plain.index(b",", 13 + 3 * 16)
    moved = plain[:6] + struct.pack("<HH", 60, 50) + plain[10 : at + 1] + struct.pack("<HH", 11, 7) + plain[at + 5 :]
    yield "smaller-than-screen.gif", moved
    yield "outside-screen.gif", plain[:6] + struct.pack("<HH", 20, 10) + moved[10:]
    see = saved(image, format="GIF", interlace=0, transparency=5)
    at = see.index(b",", see.index(b"!\xf9\x04"))
    yield "transparent-smaller-than-screen.gif", (
        see[:6] + struct.pack("<HH", 60, 50) + see[10 : at + 1] + struct.pack("<HH", 11, 7) + see[at + 5 :])
    yield "no-palette.gif", plain[:10] + bytes([plain[10] & 0x7F]) + plain[11:13] + plain[13 + 3 * 16 :]


def gif_table(colours):
    return b"".join(bytes(c) for c in colours)


def gif_data(indices, bits=4):
    """Indices as codes of one size: a clear code before the table grows."""
    clear, size, out = 1 << bits, bits + 1, []
    for at in range(0, indices.size, (1 << bits) - 2):
        out += [clear, *indices.reshape(-1)[at : at + (1 << bits) - 2].tolist()]
    out.append(clear + 1)
    number, data = 0, b""
    for i, code in enumerate(out):
        number |= code << (i * size)
    data = number.to_bytes((len(out) * size + 7) // 8, "little")
    blocks = [data[i : i + 255] for i in range(0, len(data), 255)]
    return bytes([bits]) + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0"


def gif_frame(box, seed, disposal=0, transparent=None, table=None, most=16):
    left, top, width, height = box
    control = b""
    if disposal or transparent is not None:
        flags = disposal << 2 | (transparent is not None)
        control = b"!\xf9\x04" + struct.pack("<BHBB", flags, 4, transparent or 0, 0)
    flags = 0x83 if table else 0
    indices = np.random.RandomState(seed).randint(0, most, (height, width))
    head = b"," + struct.pack("<HHHHB", left, top, width, height, flags)
    return control + head + (gif_table(table) if table else b"") + gif_data(indices)


def gif_file(size, frames, table=None, background=3):
    head = b"GIF89a" + struct.pack("<HHBBB", *size, 0x83 if table else 0, background, 0)
    return head + (gif_table(table) if table else b"") + b"".join(frames) + b";"


def animations():
    """Animations that do what animations do, each drawn from a seed."""
    random = np.random.RandomState(51)
    colours = lambda: random.randint(0, 256, (16, 3)).tolist()
    greys = [(i, i, i) for i in range(16)]

    def drawn(count, table, local=0.3, clear=0.5, out=0.0, few=False):
        frames = []
        for i in range(count):
            left, top = random.randint(0, 9, 2).tolist()
            box = (left, top, int(random.randint(1, 20 - left)), int(random.randint(1, 17 - top)))
            if random.rand() < out:
                box = (left, top, int(random.randint(15, 30)), int(random.randint(15, 30)))
            if i == 0 and random.rand() < 0.7:
                box = (0, 0, 19, 16)
            frames.append(gif_frame(
                box, int(random.randint(1 << 30)), int(random.randint(0, 5)),
                int(random.randint(0, 16)) if random.rand() < clear else None,
                colours() if random.rand() < local else None, 8 if few else 16))
        return gif_file((19, 16), frames, table)

    for i in range(14):
        yield f"frames-{i}.gif", drawn(6, colours())
    for i in range(4):
        yield f"frames-opaque-{i}.gif", drawn(5, colours(), clear=0)
    for i in range(4):
        yield f"frames-grey-{i}.gif", drawn(5, [None, greys][i % 2], local=0)
    for i in range(4):
        yield f"frames-local-{i}.gif", drawn(5, colours(), local=1)
    for i in range(6):
        yield f"frames-growing-{i}.gif", drawn(5, colours(), out=0.4)
    for name, table in (("colours", colours()), ("greys", None)):
        for disposal in (2, 3):
            yield f"frames-transparent-0-{name}-{disposal}.gif", gif_file((19, 16), [
                gif_frame((2, 1, 15, 12), 201, disposal, 0), gif_frame((0, 3, 14, 9), 202, disposal, 0),
                gif_frame((5, 2, 16, 17), 203, disposal, 0), gif_frame((1, 1, 9, 9), 204, 1, None)], table)
    frames = [Image.fromarray(photo(24, 18, seed=60 + i)) for i in range(4)]
    yield "frames-saved.gif", saved(frames[0], format="GIF", save_all=True, append_images=frames[1:], duration=40)


# ---------------------------------------------------------------- BMP


def bmps():
    random = np.random.RandomState(31)
    rgb = photo(23, 19, seed=7)
    yield "colour.bmp", saved(Image.fromarray(rgb), format="BMP")
    yield "colour-alpha.bmp", saved(Image.fromarray(photo(23, 19, 4, 8)), format="BMP")
    yield "grey.bmp", saved(Image.fromarray(rgb[:, :, 0]), format="BMP")
    yield "one-bit.bmp", saved(Image.fromarray(rgb[:, :, 0]).convert("1"), format="BMP")
    for bits in (1, 4, 8):
        indices = random.randint(0, 1 << bits, (19, 23))
        palette = random.randint(0, 256, 4 << bits).astype(np.uint8).tobytes()
        yield f"palette-{bits}.bmp", bmp_writer.write(23, 19, bits, bmp_writer.rows(indices, bits), palette)
        yield f"palette-{bits}-top-down.bmp", bmp_writer.write(
            23, 19, bits, bmp_writer.rows(indices, bits, False), palette, top_down=True)
        os2 = random.randint(0, 256, 3 << bits).astype(np.uint8).tobytes()
        yield f"os2-{bits}.bmp", bmp_writer.write_os2(23, 19, bits, bmp_writer.rows(indices, bits), os2)
    indices = random.randint(0, 8, (19, 23))
    yield "palette-few.bmp", bmp_writer.write(
        23, 19, 8, bmp_writer.rows(indices, 8), random.randint(0, 256, 20).astype(np.uint8).tobytes(), colours=5)
    words = random.randint(0, 1 << 16, (19, 23))
    yield "555.bmp", bmp_writer.write(23, 19, 16, bmp_writer.rows(words, 16))
    yield "565.bmp", bmp_writer.write(23, 19, 16, bmp_writer.rows(words, 16), compression=3, masks=(0xF800, 0x7E0, 0x1F))
    pixels = random.randint(0, 1 << 32, (19, 23), dtype=np.int64)
    yield "32.bmp", bmp_writer.write(23, 19, 32, bmp_writer.rows(pixels, 32))
    yield "32-fields.bmp", bmp_writer.write(
        23, 19, 32, bmp_writer.rows(pixels, 32), compression=3, masks=(0xFF000000, 0xFF0000, 0xFF00))
    steps = np.sort(random.randint(0, 16, (19, 23)), axis=1)
    steps[::3] = random.randint(0, 16, (7, 23))
    palette = random.randint(0, 256, 64).astype(np.uint8).tobytes()
    yield "rle8.bmp", bmp_writer.write(23, 19, 8, bmp_writer.runs8(steps), palette, compression=1, colours=16)
    yield "rle4.bmp", bmp_writer.write(23, 19, 4, bmp_writer.runs4(steps), palette, compression=2)
    move = bytes([3, 1, 0, 2, 4, 1, 0, 3, 5, 6, 7, 0, 2, 9, 0, 0, 0, 1])
    move += bytes(0)
    yield "rle8-moves.bmp", bmp_writer.write(
        6, 4, 8, bytes([3, 1, 0, 0, 0, 2, 2, 1, 4, 3, 0, 0, 0, 3, 5, 6, 7, 0, 3, 2, 0, 1]), palette, compression=1, colours=16)


# ---------------------------------------------------------------- TIFF


def tiffs():
    random = np.random.RandomState(101)
    noise = lambda bits, samples=1, shape=(19, 23): random.randint(0, 1 << bits, (*shape, samples))
    smooth = lambda samples: photo(23, 19, samples, 102)
    for order, name in (("<", "ii"), (">", "mm")):
        yield f"rgb-{name}.tif", tiff.write(smooth(3), 2, order=order)
        yield f"rgb-16-{name}.tif", tiff.write(noise(16, 3), 2, 16, order=order)
        yield f"rgba-16-{name}.tif", tiff.write(noise(16, 4), 2, 16, order=order, extra=(2,))
        yield f"grey-16-{name}.tif", tiff.write(noise(9), 1, 16, order=order)
        yield f"lzw-16-{name}.tif", tiff.write(noise(16, 3), 2, 16, 5, order, predictor=2)
        yield f"deflate-grey-16-{name}.tif", tiff.write(noise(9), 1, 16, 8, order, predictor=2)
        yield f"cmyk-16-{name}.tif", tiff.write(noise(16, 4), 5, 16, order=order)
    for bits in (1, 2, 4, 8):
        yield f"white-is-zero-{bits}.tif", tiff.write(noise(bits), 0, bits)
        yield f"black-is-zero-{bits}.tif", tiff.write(noise(bits), 1, bits)
        colours = random.randint(0, 1 << 16, 3 << bits).tolist()
        yield f"palette-{bits}.tif", tiff.write(noise(bits), 3, bits, colours=colours)
        yield f"low-bit-first-{bits}.tif", tiff.write(noise(bits), 1, bits, fill_order=2)
        yield f"tiled-{bits}.tif", tiff.write(noise(bits), 1, bits, 8, tile=(16, 16))
    yield "big.tif", tiff.write(smooth(3), 2, big=True, rows=4)
    yield "white-is-zero-16.tif", tiff.write(noise(9), 0, 16)
    for compression, name in ((1, "none"), (5, "lzw"), (8, "deflate"), (32946, "old-deflate"), (32773, "packbits")):
        yield f"{name}.tif", tiff.write(smooth(3), 2, compression=compression)
        yield f"{name}-strips.tif", tiff.write(smooth(3), 2, compression=compression, rows=5)
        yield f"{name}-tiles.tif", tiff.write(smooth(3), 2, compression=compression, tile=(16, 16))
        yield f"{name}-planes.tif", tiff.write(smooth(3), 2, compression=compression, planar=2, rows=5)
        yield f"{name}-grey.tif", tiff.write(smooth(1), 1, compression=compression, rows=7)
        if compression in (5, 8, 32946):
            yield f"{name}-predictor.tif", tiff.write(smooth(3), 2, compression=compression, predictor=2)
            yield f"{name}-predictor-tiles.tif", tiff.write(
                smooth(3), 2, compression=compression, predictor=2, tile=(16, 32))
            yield f"{name}-predictor-planes.tif", tiff.write(
                smooth(3), 2, compression=compression, predictor=2, planar=2)
    yield "lzw-noise.tif", tiff.write(noise(8, 3, (40, 50)), 2, compression=5)
    yield "lzw-low-bit-first.tif", tiff.write(smooth(1), 1, compression=5, fill_order=2)
    yield "planes-alpha.tif", tiff.write(smooth(4), 2, planar=2, extra=(2,))
    yield "grey-alpha.tif", tiff.write(smooth(2), 1, extra=(2,))
    yield "palette-alpha.tif", tiff.write(noise(8, 2), 3, extra=(2,), colours=random.randint(0, 1 << 16, 768).tolist())
    yield "palette-extra.tif", tiff.write(noise(8, 2), 3, extra=(0,), colours=random.randint(0, 1 << 16, 768).tolist())
    for extra in ((), (0,), (1,), (2,), (999,)):
        yield f"rgb-extra-{''.join(map(str, extra))}.tif", tiff.write(smooth(4), 2, extra=extra)
    yield "rgb-two-extra.tif", tiff.write(smooth(5), 2, extra=(2, 0))
    yield "cmyk.tif", tiff.write(smooth(4), 5)
    yield "cmyk-lzw-tiles.tif", tiff.write(smooth(4), 5, compression=5, tile=(16, 16))
    yield "cmyk-extra.tif", tiff.write(smooth(5), 5, extra=(0,))
    yield "saved-lzw.tif", saved(Image.fromarray(photo(61, 47)), format="TIFF", compression="tiff_lzw")
    yield "saved-deflate.tif", saved(Image.fromarray(photo(61, 47)), format="TIFF", compression="tiff_adobe_deflate")
    yield "saved-packbits.tif", saved(Image.fromarray(photo(61, 47)), format="TIFF", compression="packbits")
    for orientation in range(0, 10):
        yield f"orientation-{orientation}.tif", tiff.write(smooth(3)[:9, :13], 2, tags=[(274, 3, [orientation])])
    yield "orientation-5-lzw.tif", tiff.write(smooth(3)[:9, :13], 2, compression=5, tags=[(274, 3, [5])])
    yield "orientation-xmp.tif", tiff.write(smooth(3)[:9, :13], 2, tags=[(700, 1, list(xmp(6)))])


def tiff_pages():
    yield "pages.tif", tiff.write(photo(9, 7), 2, pages=3)
    images = [Image.fromarray(photo(9 + i, 12 - i, seed=i)) for i in range(4)]
    yield "pages-saved.tif", saved(images[0], format="TIFF", save_all=True, append_images=images[1:])


# ---------------------------------------------------------------- WebP


def riff(*chunks):
    data = b"WEBP" + b"".join(
        name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) for name, content in chunks)
    return b"RIFF" + struct.pack("<I", len(data)) + data


def riff_chunks(data):
    at, chunks = 12, []
    while at < len(data):
        size = struct.unpack("<I", data[at + 4 : at + 8])[0]
        chunks.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return chunks


def u24(value):
    return struct.pack("<I", value)[:3]


def webps():
    rgb = Image.fromarray(photo(61, 47))
    see = Image.fromarray(photo(61, 47, 4, 9), "RGBA")
    few = Image.fromarray(photo(61, 47) // 64 * 64)
    for quality in (0, 30, 75, 90, 100):
        yield f"lossy-{quality}.webp", saved(rgb, format="WEBP", quality=quality)
    for size in (1, 2, 3, 15, 16, 17, 33):
        small = Image.fromarray(photo(size, 40 - size, seed=size))
        yield f"lossy-{size}x{40 - size}.webp", saved(small, format="WEBP", quality=80)
        yield f"lossless-{size}x{40 - size}.webp", saved(small, format="WEBP", lossless=True)
    for method in (0, 3, 6):
        yield f"lossy-method-{method}.webp", saved(rgb, format="WEBP", quality=60, method=method)
        yield f"lossless-method-{method}.webp", saved(few, format="WEBP", lossless=True, method=method)
    yield "lossy-alpha.webp", saved(see, format="WEBP", quality=75)
    yield "lossy-alpha-lossy.webp", saved(see, format="WEBP", quality=75, alpha_quality=30)
    yield "lossless-alpha.webp", saved(see, format="WEBP", lossless=True)
    yield "lossless-alpha-exact.webp", saved(see, format="WEBP", lossless=True, exact=True)
    yield "lossless-grey.webp", saved(Image.fromarray(photo(61, 47, 1)[:, :, 0]), format="WEBP", lossless=True)
    yield "lossless-palette.webp", saved(few.quantize(8).convert("RGB"), format="WEBP", lossless=True)
    small = Image.fromarray(photo(13, 9, seed=6))
    for orientation in (1, 3, 6, 8):
        yield f"exif-{orientation}.webp", saved(small, format="WEBP", exif=exif(orientation))
    yield "xmp-5.webp", saved(small, format="WEBP", xmp=xmp(5))
    yield "exif-xmp.webp", saved(small, format="WEBP", exif=exif(2), xmp=xmp(5))
    yield "icc.webp", saved(small, format="WEBP", icc_profile=b"no profile")
    picture = riff_chunks(saved(small, format="WEBP"))[0]
    plain = riff(picture)
    yield "trailing.webp", plain + b"behind the end"
    header = b"VP8X", bytes([0, 0, 0, 0]) + u24(12) + u24(8)
    yield "extended-unknown.webp", riff(header, (b"WHAT", b"ever"), picture, (b"more", b"of it"))


def webp_animations():
    random = np.random.RandomState(71)

    def frame(box, seed, blends, clears, alpha, lossless):
        left, top, width, height = box
        pixels = photo(width, height, 4, seed)
        pixels[:, :, 3] = [255, 0, 40, 128, 250][seed % 5] if alpha else 255
        if alpha:
            pixels[height // 2 :, :, 3] = 90
            pixels[: height // 3, :, 3] = 0
        still = riff_chunks(saved(Image.fromarray(pixels, "RGBA"), format="WEBP", lossless=lossless, exact=True, quality=70))
        body = u24(left // 2) + u24(top // 2) + u24(width - 1) + u24(height - 1) + u24(40)
        body += bytes([2 * (not blends) | clears])
        return b"ANMF", body + riff(*[c for c in still if c[0] in (b"ALPH", b"VP8 ", b"VP8L")])[12:]

    def drawn(count, whole):
        chunks = [(b"VP8X", bytes([0x12, 0, 0, 0]) + u24(29) + u24(19)), (b"ANIM", bytes([9, 80, 120, 255, 0, 0]))]
        for i in range(count):
            left, top = random.randint(0, 7, 2) * 2
            box = (int(left), int(top), int(random.randint(1, 31 - left)), int(random.randint(1, 21 - top)))
            if random.rand() < whole:
                box = (0, 0, 30, 20)
            chunks.append(frame(box, int(random.randint(1000)), *(bool(b) for b in random.randint(0, 2, 4))))
        return riff(*chunks)

    for i in range(10):
        yield f"frames-{i}.webp", drawn(5, 0.4)
    opaque = [Image.fromarray(photo(24, 18, seed=80 + i)) for i in range(3)]
    yield "frames-opaque.webp", saved(opaque[0], format="WEBP", save_all=True, append_images=opaque[1:], duration=40)
    see = [Image.fromarray(photo(24, 18, 4, seed=90 + i), "RGBA") for i in range(3)]
    yield "frames-saved.webp", saved(see[0], format="WEBP", save_all=True, append_images=see[1:], duration=40)


# ---------------------------------------------------------------- what Pillow makes of them


def rgb_of(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return ImageOps.exif_transpose(image).convert("RGB"), image


def over_background(image):
    """Laid over a colour, not turned upright. Where Pillow has no alpha there is nothing to lay."""
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    if not has_alpha or image.mode == "I;16":
        return image.convert("RGB")
    image = image.convert("RGBA")
    canvas = Image.new("RGB", image.size, BACKGROUND)
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas


def write_decoding():
    lines = ["# file\twidth\theight\tupright RGB\tstored RGB\tstored RGB over #1EA0DC"]
    for name, data in [*jpegs(), *pngs(), *gifs(), *bmps(), *tiffs(), *webps()]:
        upright, stored = rgb_of(data)
        if name.startswith("orientation-"):  # Pillow turns TIFF as it loads it
            stored = rgb_of(data.replace(struct.pack("<H", 274), struct.pack("<H", 65000)).replace(b"tiff:O", b"------"))[1]
        (OUT / name).write_bytes(data)
        lines.append("\t".join([
            name, str(upright.width), str(upright.height), sha(upright.tobytes()),
            sha(stored.convert("RGB").tobytes()), sha(over_background(stored).tobytes())]))
    (OUT / "decoding.tsv").write_text("\n".join(lines) + "\n")


def write_turbo():
    """What differs between the decoders, and images reduced while they are decoded (`draft`)."""
    lines = ["# file\tdenominator\tRGB"]
    for name, data in jpegs_for_turbo():
        (OUT / name).write_bytes(data)
        lines.append(f"{name}\t1\t{sha(rgb_of(data)[1].tobytes())}")
    for name in ("420-q90.jpg", "422-q90.jpg", "444-q90.jpg", "grey.jpg", "420-progressive.jpg", "440.jpg"):
        for denominator in (2, 4, 8):
            image = Image.open(OUT / name)
            size = image.width // denominator, image.height // denominator
            image.draft("RGB", size)
            assert image.width == -(-Image.open(OUT / name).width // denominator)
            lines.append(f"{name}\t{denominator}\t{sha(image.convert('RGB').tobytes())}")
    (OUT / "turbo.tsv").write_text("\n".join(lines) + "\n")


def write_frames():
    """Every frame of every animation."""
    lines = ["# file\tframe\tframes\twidth\theight\tRGB\tRGB over #1EA0DC"]
    for name, data in [*animations(), *webp_animations(), *tiff_pages()]:
        (OUT / name).write_bytes(data)
        count = Image.open(io.BytesIO(data)).n_frames
        for index in range(count):
            image = Image.open(io.BytesIO(data))
            image.seek(index)
            image.load()
            lines.append("\t".join([
                name, str(index), str(count), str(image.width), str(image.height),
                sha(image.convert("RGB").tobytes()), sha(over_background(image).tobytes())]))
    (OUT / "frames.tsv").write_text("\n".join(lines) + "\n")


def write_video():
    """Frames of video as OpenCV converts them."""
    lines = ["# file\tformat\twidth\theight\tRGB"]
    for width, height in ((2, 2), (6, 4), (18, 10), (64, 2), (2, 34)):
        planes = np.random.RandomState(width).randint(0, 256, (height * 3 // 2, width)).astype(np.uint8)
        (OUT / f"video-{width}x{height}.raw").write_bytes(planes.tobytes())
        for name, code in (("NV12", cv2.COLOR_YUV2RGB_NV12), ("I420", cv2.COLOR_YUV2RGB_I420)):
            rgb = cv2.cvtColor(planes, code)
            lines.append(f"video-{width}x{height}.raw\t{name}\t{width}\t{height}\t{sha(rgb.tobytes())}")
    (OUT / "video.tsv").write_text("\n".join(lines) + "\n")


FILTERS = {"LANCZOS": 1, "BILINEAR": 2, "BICUBIC": 3, "BOX": 4, "HAMMING": 5}
SIZES = [
    ((1, 1), (1, 1)), ((1, 1), (7, 5)), ((7, 5), (1, 1)), ((13, 9), (13, 9)), ((13, 9), (13, 20)),
    ((13, 9), (20, 9)), ((13, 9), (12, 8)), ((13, 9), (14, 10)), ((64, 48), (16, 16)), ((48, 64), (31, 17)),
    ((97, 3), (16, 16)), ((3, 97), (16, 16)), ((1, 150), (16, 32)), ((2, 201), (1, 200)), ((2, 201), (5, 300)),
    ((150, 1), (32, 16)), ((160, 120), (128, 96)), ((33, 32), (128, 128)),
]


def write_resizing():
    lines = ["# filter\twidth\theight\tto width\tto height\tRGB"]
    for name, number in FILTERS.items():
        for (width, height), size in SIZES:
            resized = Image.fromarray(pattern(width, height)).resize(size, number)
            lines.append("\t".join([name, *map(str, (width, height, *size)), sha(resized.tobytes())]))
    (OUT / "resizing.tsv").write_text("\n".join(lines) + "\n")


# ---------------------------------------------------------------- Fovea's patches


def write_patches():
    lines = ["# width\theight\trows\tcolumns\tpatches"]
    sizes = [(1, 1), (1, 200), (200, 1), (15, 17), (16, 16), (128, 128), (127, 129), (640, 48), (48, 640),
             (100, 75), (257, 33), (31, 250), (90, 90), (128, 64), (129, 64)]
    for width, height in sizes:
        rows, columns = (min(16, n) for n in grid(height, width, 16, 64))
        image = Image.fromarray(pattern(width, height)).resize((columns * 16, rows * 16), Image.Resampling.BILINEAR)
        patches = np.asarray(image).reshape(rows, 16, columns, 16, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 768)
        padded = np.zeros((64, 768), np.uint8)
        padded[: len(patches)] = patches
        lines.append("\t".join([*map(str, (width, height, rows, columns)), sha(padded.tobytes())]))
    (OUT / "fovea-patches.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    write_decoding()
    write_turbo()
    write_frames()
    write_video()
    write_resizing()
    write_patches()
    print(f"{len(list(OUT.iterdir()))} files, {sum(f.stat().st_size for f in OUT.iterdir())} bytes in {OUT}")
