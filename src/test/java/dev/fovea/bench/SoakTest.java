package dev.fovea.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The short form of `./fovea soak`, and the control that shows that it can fail.
@Timeout(300)
final class SoakTest {
  private static final PrintStream NOWHERE =
      new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);

  @Test
  void nothingGrowsUnderEverythingThatClientsDo() throws Exception {
    Soak.Result result = Soak.run(Soak.Plan.of(Duration.ofSeconds(24), false), NOWHERE);

    assertThat(result.faults()).isEmpty();
    assertThat(result.calls()).containsKeys("embed", "stream", "connection that breaks", "swaps");
  }

  @Test
  void plantedLeakIsFound() throws Exception {
    Soak.Result result = Soak.run(Soak.Plan.of(Duration.ofSeconds(12), true), NOWHERE);

    assertThat(result.faults())
        .anyMatch(fault -> fault.startsWith("heap after a collection grows"))
        .anyMatch(fault -> fault.startsWith("platform threads grows"))
        .anyMatch(fault -> fault.startsWith("open files grows"));
  }
}
