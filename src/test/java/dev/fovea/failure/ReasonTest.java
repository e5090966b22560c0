package dev.fovea.failure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fovea.v1.ErrorReason;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class ReasonTest {
  @Test
  void publicReasonsAreThoseOfTheProgram() {
    assertThat(
            Arrays.stream(ErrorReason.values())
                .map(Enum::name)
                .filter(name -> !name.equals("ERROR_REASON_UNSPECIFIED"))
                .filter(name -> !name.equals("UNRECOGNIZED"))
                .map(name -> name.replaceFirst("^ERROR_REASON_", "")))
        .containsExactlyInAnyOrder(
            Arrays.stream(Reason.values()).map(Enum::name).toArray(String[]::new));
  }
}
