package dev.fovea.engine;

import static dev.fovea.engine.ContractModel.row;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class BatchesTest {
  @Test
  void everyRowIsInExactlyOneBatchOfItsShape() {
    List<int[]> batches = Batches.of(List.of(row(1), row(1, 2), row(3), row(4), row(5, 6)), 2);

    assertThat(batches).containsExactly(new int[] {0, 2}, new int[] {3}, new int[] {1, 4});
  }

  @Test
  void batchOfOneRowIsTheSmallestThereIs() {
    assertThat(Batches.of(List.of(row(1), row(2)), 1))
        .containsExactly(new int[] {0}, new int[] {1});
  }
}
