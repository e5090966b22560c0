package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class KeptMemoryTest {
  private static final int LEAST = 1 << 17;

  private final List<MemorySegment> freed = new ArrayList<>();
  private final KeptMemory kept = new KeptMemory(10 * LEAST, freed::add);

  private static MemorySegment block(int bytes) {
    return MemorySegment.ofArray(new byte[bytes]);
  }

  @Test
  void blockIsTakenOnce() {
    MemorySegment block = block(LEAST);
    kept.give(block);

    assertThat(kept.take(LEAST)).contains(block);
    assertThat(kept.take(LEAST)).isEmpty();
    assertThat(freed).isEmpty();
  }

  @Test
  void blockIsTakenForItsSizeOrHalfOfIt() {
    MemorySegment block = block(4 * LEAST);
    kept.give(block);

    assertThat(kept.take(4 * LEAST + 1)).isEmpty();
    assertThat(kept.take(2 * LEAST - 1)).isEmpty();
    assertThat(kept.take(2 * LEAST)).contains(block);
  }

  @Test
  void theLastUsedIsTakenFirst() {
    MemorySegment first = block(LEAST);
    MemorySegment second = block(LEAST);
    kept.give(first);
    kept.give(second);

    assertThat(kept.take(LEAST)).contains(second);
    assertThat(kept.take(LEAST)).contains(first);
  }

  @Test
  void theLongestUnusedMakesRoom() {
    MemorySegment first = block(4 * LEAST);
    MemorySegment second = block(5 * LEAST);
    MemorySegment third = block(5 * LEAST);
    kept.give(first);
    kept.give(second);
    assertThat(freed).isEmpty();

    kept.give(third);

    assertThat(freed).containsExactly(first);
    assertThat(kept.take(5 * LEAST)).contains(third);
    assertThat(kept.take(5 * LEAST)).contains(second);
  }

  @Test
  void blockThatIsTakenLeavesItsRoom() {
    kept.give(block(10 * LEAST));
    assertThat(kept.take(10 * LEAST)).isPresent();

    kept.give(block(10 * LEAST));

    assertThat(freed).isEmpty();
  }

  @Test
  void blockThatWouldNeverFitIsFreed() {
    MemorySegment small = block(LEAST);
    MemorySegment large = block(10 * LEAST + 1);
    kept.give(small);
    kept.give(large);

    assertThat(freed).containsExactly(large);
    assertThat(kept.take(LEAST)).contains(small);
  }

  @Test
  void smallBlocksAreFreed() {
    MemorySegment small = block(LEAST - 1);
    kept.give(small);

    assertThat(freed).containsExactly(small);
    assertThat(kept.take(LEAST - 1)).isEmpty();
  }

  @Test
  void growsWithTheProcessors() {
    assertThat(KeptMemory.mostBytes(1)).isEqualTo(40L << 20);
    assertThat(KeptMemory.mostBytes(16)).isEqualTo(640L << 20);
  }

  @Test
  void keepsNoMoreThan64Blocks() {
    KeptMemory roomy = new KeptMemory(1000L * LEAST, freed::add);
    for (int i = 0; i < 64; i++) {
      roomy.give(block(LEAST));
    }
    assertThat(freed).isEmpty();

    roomy.give(block(LEAST));

    assertThat(freed).hasSize(1);
  }
}
