package dev.fovea.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.kernel.ResampleFilter;
import dev.fovea.kernel.Resampler;
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
    Resize resize = new Resize(ResampleFilter.valueOf(golden.get(0)), Resampler.scalar());
    Pixels source = GoldenFiles.pattern(number(golden, 1), number(golden, 2));

    Pixels resized = resize.resize(source, number(golden, 3), number(golden, 4));

    assertThat(GoldenFiles.sha256(resized.rgb())).isEqualTo(golden.get(5));
  }

  @Test
  void keepsTheImageThatHasTheSizeAlready() {
    Resize resize = new Resize(ResampleFilter.BICUBIC, Resampler.scalar());
    Pixels source = GoldenFiles.pattern(13, 9);

    assertThat(resize.resize(source, 13, 9)).isSameAs(source);
  }

  private static int number(List<String> row, int column) {
    return Integer.parseInt(row.get(column));
  }
}
