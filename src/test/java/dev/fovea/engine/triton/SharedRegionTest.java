package dev.fovea.engine.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.engine.triton.SharedRegion.Slot;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
final class SharedRegionTest {
  private final List<SharedRegion> regions = new ArrayList<>();
  private final int before = SharedRegion.inUse();

  @AfterEach
  void release() {
    for (SharedRegion region : regions) {
      region.retire();
      region.forgotten();
    }
    assertThat(SharedRegion.inUse()).isEqualTo(before);
  }

  private SharedRegion region(long size) throws IOException {
    SharedRegion region = SharedRegion.create(size);
    regions.add(region);
    region.unlink();
    return region;
  }

  @Test
  void givesOutEveryByteOnceAndJoinsWhatComesBack() throws IOException {
    SharedRegion region = region(1024);
    Slot first = region.take(300).orElseThrow();
    Slot second = region.take(320).orElseThrow();
    Slot third = region.take(384).orElseThrow();

    assertThat(region.take(1)).isEmpty();
    assertThat(List.of(first.offset(), second.offset(), third.offset()))
        .containsExactly(0L, 320L, 640L);
    first.free();
    third.free();
    assertThat(region.take(385)).isEmpty();
    second.free();
    assertThat(region.take(1024)).hasValueSatisfying(Slot::free);
  }

  @Test
  void slotsNeverOverlapWhateverTheOrder() throws IOException {
    SharedRegion region = region(1 << 16);
    Random random = new Random(7);
    Map<Slot, Byte> used = new HashMap<>();
    for (int i = 0; i < 20_000; i++) {
      Optional<Slot> slot = region.take(1 + random.nextInt(9000));
      byte mark = (byte) random.nextInt();
      slot.ifPresent(taken -> {
        taken.memory(0, taken.size()).fill(mark);
        used.put(taken, mark);
      });
      if (slot.isEmpty() || random.nextInt(3) == 0) {
        Slot done = used.keySet().iterator().next();
        byte expected = used.remove(done);
        assertThat(done.memory(0, done.size()).toArray(ValueLayout.JAVA_BYTE))
            .containsOnly(expected);
        done.free();
      }
    }
    used.keySet().forEach(Slot::free);
    assertThat(region.take(1 << 16)).hasValueSatisfying(Slot::free);
  }

  @Test
  void lostSlotIsNeverGivenOutAgain() throws IOException {
    SharedRegion region = region(1024);
    Slot lost = region.take(576).orElseThrow();

    lost.lose();
    lost.free();

    assertThat(region.take(512)).isEmpty();
    assertThat(region.take(448))
        .hasValueSatisfying(slot -> {
          assertThat(slot.offset()).isEqualTo(576);
          slot.free();
        });
    assertThat(region.isWorn()).isTrue();
    assertThat(region.isIdle()).isFalse();
  }

  @Test
  void retiredRegionStaysMappedForTheSlotsThatAreOut() throws IOException {
    SharedRegion region = region(1024);
    Slot slot = region.take(64).orElseThrow();

    region.retire();
    region.forgotten();

    assertThat(region.take(64)).isEmpty();
    slot.memory(0, 64).fill((byte) 1);
    assertThat(SharedRegion.inUse()).isEqualTo(before + 1);
    slot.free();
    assertThat(SharedRegion.inUse()).isEqualTo(before);
    assertThatThrownBy(() -> slot.memory(0, 64).fill((byte) 1))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void thereAreNeverMoreThanSoManyRegions() throws IOException {
    for (int i = before; i < SharedRegion.MAX_REGIONS; i++) {
      region(64);
    }

    assertThatThrownBy(() -> region(64)).isInstanceOf(IOException.class).hasMessageContaining("8");
  }

  @Test
  void nameIsGoneOnceItIsUnlinked() throws IOException {
    SharedRegion region = SharedRegion.create(64);
    regions.add(region);
    Path file = SharedMemoryOwner.FOLDER.resolve(region.name());

    assertThat(file).hasSize(64);
    region.unlink();
    assertThat(file).doesNotExist();
    region.fill();
    region.take(64).orElseThrow().free();
  }

  @Test
  void moreThanTheSystemHasIsRefusedWhenItIsTaken() throws IOException {
    long free = Files.getFileStore(SharedMemoryOwner.FOLDER).getUsableSpace();
    SharedRegion region = SharedRegion.create(4 * free + (1L << 40));
    regions.add(region);
    region.unlink();

    // Not filled here: it would take all that there is. What counts is that nothing is taken yet.
    assertThat(Files.getFileStore(SharedMemoryOwner.FOLDER).getUsableSpace())
        .isGreaterThan(free / 2);
  }

  @Test
  void tellsNamesOfTheLivingFromThoseOfTheDead() throws IOException {
    SharedMemoryOwner owner = SharedMemoryOwner.get();
    SharedRegion region = region(64);
    String dead = "fovea-" + "0123456789abcdef".repeat(2);
    Path file = SharedMemoryOwner.FOLDER.resolve(dead);

    assertThat(owner.isStale(region.name())).isFalse();
    assertThat(owner.isStale("fovea-" + "ab".repeat(16) + "-1")).isTrue();
    assertThat(owner.isStale("somebody-else")).isFalse();
    assertThat(owner.isStale("fovea-../../etc-1")).isFalse();
    Files.createFile(file);
    try {
      assertThat(owner.isStale(dead + "-4")).isTrue();
    } finally {
      Files.delete(file);
    }
  }

  @Test
  void processThatHoldsItsSignOfLifeIsAlive() throws Exception {
    SharedMemoryOwner owner = SharedMemoryOwner.get();
    String name = "fovea-" + "fedcba9876543210".repeat(2);
    Path file = SharedMemoryOwner.FOLDER.resolve(name);
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var _ = channel.lock()) {
      assertThat(owner.isStale(name + "-1")).isFalse();
    } finally {
      Files.deleteIfExists(file);
    }
  }
}
