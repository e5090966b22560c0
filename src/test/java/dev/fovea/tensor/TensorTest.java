package dev.fovea.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

final class TensorTest {
  @Test
  void bytesAreLittleEndian() {
    Tensor tensor = Tensor.ofFloats(Shape.of(1), 1.0f);

    assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE))
        .containsExactly(0, 0, (byte) 0x80, 0x3f);
  }

  @Test
  void refusesDataThatIsNotTheSizeOfTheShape() {
    assertThatThrownBy(
            () -> new Tensor(DataType.FP32, Shape.of(2, 3), MemorySegment.ofArray(new byte[23])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("data: 23 bytes (expected: 24 for FP32 [2,3])");
  }

  @Test
  void rowIsAViewOfTheBatch() {
    Tensor batch = Tensor.ofFloats(Shape.of(2, 3), 1, 2, 3, 4, 5, 6);

    assertThat(batch.row(1).toFloats()).containsExactly(4, 5, 6);
    assertThat(batch.row(1).shape()).isEqualTo(Shape.of(3));
  }

  @Test
  void sizeThatOverflowsIsNoticed() {
    assertThatThrownBy(() -> Tensor.byteSize(DataType.FP32, Shape.of(Long.MAX_VALUE / 2, 3)))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void shapeAcceptsWhatFitsItsKnownExtents() {
    Shape signature = Shape.of(Shape.ANY, 768);

    assertThat(signature.accepts(Shape.of(64, 768))).isTrue();
    assertThat(signature.accepts(Shape.of(64, 767))).isFalse();
    assertThat(signature.accepts(Shape.of(64, 768, 1))).isFalse();
    assertThat(signature.isFixed()).isFalse();
    assertThat(Shape.of(64, 768).batched(2)).isEqualTo(Shape.of(2, 64, 768));
    assertThat(Shape.of().elements()).isEqualTo(1);
  }

  @Test
  void everyTypeIsFoundByItsWireName() {
    for (DataType type : DataType.values()) {
      assertThat(DataType.named(type.name())).contains(type);
    }
    assertThat(DataType.named("FLOAT")).isEmpty();
  }
}
