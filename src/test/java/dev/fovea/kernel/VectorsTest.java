package dev.fovea.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class VectorsTest {
  @Test
  void normalisedVectorHasLengthOneAndTheSameDirection() {
    float[] v = {3, 0, -4};

    float[] unit = Vectors.normalised(v);

    assertThat(Vectors.norm(unit)).isCloseTo(1, within(1e-7));
    assertThat(Vectors.cosine(v, unit)).isCloseTo(1, within(1e-7));
    assertThat(v).containsExactly(3, 0, -4);
  }

  @Test
  void vectorWithoutDirectionStaysAsItIs() {
    assertThat(Vectors.normalised(new float[] {0, 0})).containsExactly(0, 0);
    assertThat(Vectors.cosine(new float[] {0, 0}, new float[] {1, 0})).isZero();
  }

  @Test
  void refusesVectorsOfDifferentLength() {
    assertThatThrownBy(() -> Vectors.dot(new float[1], new float[2]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("length: 1 and 2 (expected: equal)");
  }
}
