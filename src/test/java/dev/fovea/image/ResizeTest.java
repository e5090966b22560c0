package dev.fovea.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.kernel.ResampleFilter;
import dev.fovea.kernel.Resampler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class ResizeTest {
  static List<List<String>> sizes() {
    return GoldenFiles.table("resizing.tsv");
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void resizesToTheByteAsPillowDoes(List<String> golden) {
    ResampleFilter filter = ResampleFilter.valueOf(golden.get(0));
    Resize resize = new Resize(Backend.PIL, filter, Resampler.scalar());
    Pixels source = GoldenFiles.pattern(number(golden, 1), number(golden, 2));
    Size size = new Size(number(golden, 3), number(golden, 4));

    byte[] resized = run(resize, source, Placement.whole(size));

    assertThat(GoldenFiles.sha256(resized)).isEqualTo(golden.get(5));
    assertThat(run(resize, outsideTheHeap(source), Placement.whole(size))).isEqualTo(resized);
  }

  /// With an end: what is read beyond the image is read beyond the memory.
  private static Pixels outsideTheHeap(Pixels pixels) {
    MemorySegment memory = Arena.ofAuto().allocate(pixels.rgb().length);
    memory.copyFrom(MemorySegment.ofArray(pixels.rgb()));
    return Pixels.outsideTheHeap(pixels.width(), pixels.height(), memory, () -> {});
  }

  @Test
  void keepsTheBytesOfTheImageThatHasTheSizeAlready() {
    Resize resize = new Resize(Backend.PIL, ResampleFilter.BICUBIC, Resampler.scalar());
    Pixels source = GoldenFiles.pattern(13, 9);

    assertThat(run(resize, source, Placement.whole(new Size(13, 9)))).isEqualTo(source.rgb());
  }

  private static byte[] run(Resize resize, Pixels source, Placement placement) {
    int stride = placement.width() * Resampler.CHANNELS;
    byte[] out = new byte[stride * placement.height()];
    try (Scratch scratch = Scratch.take()) {
      resize.run(
          Raster.of(source),
          placement,
          scratch,
          (y, rgb, at) -> System.arraycopy(rgb, at, out, y * stride, stride));
    }
    return out;
  }

  private static int number(List<String> row, int column) {
    return Integer.parseInt(row.get(column));
  }
}
