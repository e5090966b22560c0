package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;

import dev.fovea.kernel.Arithmetic;
import dev.fovea.kernel.ResampleFilter;
import dev.fovea.kernel.Resampler;
import dev.fovea.kernel.Taps;

/// Resizes images to the byte as the reference does: `PIL.Image.resize` (Pillow 12.2 and later) or
/// `torchvision.transforms.v2.functional.resize` with antialiasing. Rows first into 8 bits, then
/// columns; Pillow has it the other way round for very tall images.
///
/// Only what reaches the picture is computed, and nothing of it is stored: rows are resized as
/// their columns are asked for, and a finished row goes to its sink.
final class Resize {
  /// A shrinking image that is taller than this many times its width is resized by columns first.
  private static final int TALL = 100;

  /// Rows that are resized at a time: the kernels share what they load among several.
  private static final int BATCH = 16;

  private final Backend backend;
  private final ResampleFilter filter;
  private final Resampler resampler;
  private final TapsCache taps = new TapsCache();

  Resize(Backend backend, ResampleFilter filter, Resampler resampler) {
    this.backend = backend;
    this.filter = filter;
    this.resampler = resampler;
  }

  Backend backend() {
    return backend;
  }

  ResampleFilter filter() {
    return filter;
  }

  /// Makes the picture that `placement` shows of an image and hands its rows to a sink.
  void run(Raster image, Placement placement, Scratch scratch, RowSink sink) {
    RowSink framing = placement.isWithinImage() ? sink : framed(placement, scratch, sink);
    if (placement.toColumn() <= placement.fromColumn()) {
      throw new IllegalArgumentException("placement: " + placement + " (expected: on the image)");
    }
    boolean columnsFirst =
        backend.arithmetic() == Arithmetic.PILLOW
            && image.height() > (long) TALL * image.width()
            && placement.resizedHeight() < image.height();
    if (columnsFirst) {
      columnsThenRows(image, placement, scratch, framing);
    } else {
      new RowsThenColumns(image, placement, scratch).run(framing);
    }
    if (!placement.isWithinImage()) {
      blackRows(placement.toRow() - placement.top(), placement.height(), placement, scratch, sink);
    }
  }

  /// Puts the rows of the image into rows of the picture, black before and behind, and sends the
  /// black rows above the image before the first of them.
  private static RowSink framed(Placement placement, Scratch scratch, RowSink sink) {
    int above = placement.fromRow() - placement.top();
    int bytes = (placement.toColumn() - placement.fromColumn()) * CHANNELS;
    int before = (placement.fromColumn() - placement.left()) * CHANNELS;
    byte[] row = scratch.framedRow(placement.width() * CHANNELS);
    return (y, rgb, at) -> {
      if (y == 0) {
        blackRows(0, above, placement, scratch, sink);
      }
      System.arraycopy(rgb, at, row, before, bytes);
      sink.row(above + y, row, 0);
    };
  }

  private static void blackRows(
      int from, int to, Placement placement, Scratch scratch, RowSink sink) {
    byte[] black = scratch.blackRow(placement.width() * CHANNELS);
    for (int y = from; y < to; y++) {
      sink.row(y, black, 0);
    }
  }

  private Taps columnTaps(Raster image, Placement placement) {
    return taps.get(
        backend.arithmetic(),
        filter,
        image.height(),
        placement.resizedHeight(),
        placement.fromRow(),
        placement.toRow());
  }

  private Taps rowTaps(Raster image, Placement placement) {
    return taps.get(
        backend.arithmetic(),
        filter,
        image.width(),
        placement.resizedWidth(),
        placement.fromColumn(),
        placement.toColumn());
  }

  /// Rows of an image in an array.
  private record Rows(byte[] rgb, int at, int stride) {}

  /// Rows where they lie, or a copy of them where that is no array.
  private static Rows rows(Raster image, int from, int count, Scratch scratch) {
    if (image.isArray()) {
      return new Rows(image.array(), image.at() + from * image.stride(), image.stride());
    }
    int stride = image.width() * CHANNELS;
    byte[] copy = scratch.source(Math.multiplyExact(count, stride));
    image.copyRows(from, from + count, copy);
    return new Rows(copy, 0, stride);
  }

  private void columnsThenRows(Raster image, Placement placement, Scratch scratch, RowSink sink) {
    Taps columns = columnTaps(image, placement);
    Taps rows = rowTaps(image, placement);
    int bytes = image.width() * CHANNELS;
    byte[] tall = scratch.rows(bytes);
    byte[] line = scratch.line(rows.size() * CHANNELS);
    int[] sums = scratch.sums(Resampler.sums(Math.max(bytes, line.length)));
    for (int y = 0; y < columns.size(); y++) {
      Rows from = rows(image, columns.first(y), columns.count(y), scratch);
      resampler.vertical(from.rgb, from.at, from.stride, bytes, columns, y, tall, 0, sums);
      if (image.width() == placement.resizedWidth()) {
        sink.row(y, tall, placement.fromColumn() * CHANNELS);
      } else {
        resampler.horizontal(tall, 0, bytes, 1, rows, line, 0, sums);
        sink.row(y, line, 0);
      }
    }
  }

  /// One resize under way: a window of resized rows moves down the image, as tall as a row of the
  /// picture reaches.
  private final class RowsThenColumns {
    private final Raster image;
    private final Placement placement;
    private final Scratch scratch;
    private final boolean resizesRows;
    private final boolean resizesColumns;
    private final int rowBytes;

    // Rows `first` to `end` of the image, their width resized, one behind the other.
    private int first;
    private int end;
    private int capacity;
    private int last;

    RowsThenColumns(Raster image, Placement placement, Scratch scratch) {
      this.image = image;
      this.placement = placement;
      this.scratch = scratch;
      this.resizesRows = image.width() != placement.resizedWidth();
      this.resizesColumns = image.height() != placement.resizedHeight();
      this.rowBytes = (placement.toColumn() - placement.fromColumn()) * CHANNELS;
    }

    void run(RowSink sink) {
      if (resizesColumns) {
        resizeColumns(columnTaps(image, placement), sink);
      } else {
        int from = placement.fromRow();
        open(from, placement.toRow(), 0);
        for (int y = from; y < placement.toRow(); y++) {
          require(y, y + 1);
          sink.row(y - from, scratch.rows(0), (y - first) * rowBytes);
        }
      }
    }

    private void resizeColumns(Taps columns, RowSink sink) {
      open(columns.first(0), columns.end(), columns.mostCount());
      byte[] line = scratch.line(rowBytes);
      int[] sums = scratch.sums(Resampler.sums(rowBytes));
      for (int y = 0; y < columns.size(); y++) {
        int from = columns.first(y);
        require(from, from + columns.count(y));
        int at = (from - first) * rowBytes;
        resampler.vertical(scratch.rows(0), at, rowBytes, rowBytes, columns, y, line, 0, sums);
        sink.row(y, line, 0);
      }
    }

    /// Makes room for as many rows as are needed at a time, twice over, so that moving them up is
    /// rare.
    private void open(int from, int to, int needed) {
      first = from;
      end = from;
      last = to;
      capacity = Math.min(to - from, 2 * needed + BATCH);
      byte[] _ = scratch.rows(Math.multiplyExact(capacity, rowBytes));
    }

    private void require(int from, int to) {
      if (end >= to) {
        return;
      }
      if (from > end) {
        first = from;
        end = from;
      }
      if (to - first > capacity || end - first == capacity) {
        byte[] rows = scratch.rows(0);
        int kept = Math.max(0, end - from);
        System.arraycopy(rows, (end - kept - first) * rowBytes, rows, 0, kept * rowBytes);
        first = end - kept;
      }
      while (end < to) {
        int count = Math.min(Math.min(BATCH, last - end), capacity - (end - first));
        add(count);
        end += count;
      }
    }

    private void add(int count) {
      Rows in = rows(image, end, count, scratch);
      int to = (end - first) * rowBytes;
      byte[] rows = scratch.rows(0);
      if (resizesRows) {
        int[] sums = scratch.sums(Resampler.sums(rowBytes));
        Taps taps = rowTaps(image, placement);
        resampler.horizontal(in.rgb, in.at, in.stride, count, taps, rows, to, sums);
        return;
      }
      int from = in.at + placement.fromColumn() * CHANNELS;
      for (int row = 0; row < count; row++) {
        System.arraycopy(in.rgb, from + row * in.stride, rows, to + row * rowBytes, rowBytes);
      }
    }
  }
}
