package dev.fovea.fake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Optional;

/// Programs that some tests need and that a machine may not have: without them those tests are
/// skipped, unless `FOVEA_REQUIRE_TOOLS` is true, as in `.ci/run`, where that is a failure.
public final class Tools {
  private Tools() {}

  /// The tool, or the end of the test.
  ///
  /// @param reason what is missing, and how it is had
  public static <T> T require(Optional<T> tool, String reason) {
    if (Boolean.parseBoolean(System.getenv("FOVEA_REQUIRE_TOOLS"))) {
      assertThat(tool).as("FOVEA_REQUIRE_TOOLS: " + reason).isPresent();
    }
    assumeTrue(tool.isPresent(), reason);
    return tool.get();
  }
}
