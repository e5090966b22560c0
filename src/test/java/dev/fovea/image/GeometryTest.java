package dev.fovea.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// What the golden images do not come to: the exact ends of the rules.
final class GeometryTest {
  private static final int SIDE = 112;
  private static final SizeRule.SmartResize UP_TO_SIXTEEN =
      new SizeRule.SmartResize(28, 0, SIDE * SIDE);

  @Test
  void pixelsThatAreJustAllowedAreLeftAlone() {
    assertThat(UP_TO_SIXTEEN.apply(113, 111)).isEqualTo(new Size(SIDE, SIDE));
    assertThat(new SizeRule.SmartResize(28, 0, SIDE * SIDE - 1).apply(113, 111))
        .isEqualTo(new Size(SIDE, 84));
  }

  @Test
  void pixelsThatAreJustEnoughAreLeftAlone() {
    assertThat(new SizeRule.SmartResize(28, SIDE * SIDE, 1 << 20).apply(113, 111))
        .isEqualTo(new Size(SIDE, SIDE));
    assertThat(new SizeRule.SmartResize(28, SIDE * SIDE + 1, 1 << 20).apply(113, 111))
        .isEqualTo(new Size(140, SIDE));
  }

  @Test
  void longestAllowedProportionsAreResized() {
    assertThat(UP_TO_SIXTEEN.apply(5_600, 28).height()).isEqualTo(28);

    GatewayException refusal =
        catchThrowableOfType(GatewayException.class, () -> UP_TO_SIXTEEN.apply(5_601, 28));
    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
    assertThat(refusal.metadata()).containsEntry("maxAspect", "200");
  }

  @Test
  void picturesOfMostPixelsAreMade() {
    assertThat(unchanged(1 << 13, 1 << 13).place(1, 1, Backend.TORCHVISION).width())
        .isEqualTo(1 << 13);

    assertThat(
            catchThrowableOfType(
                    GatewayException.class,
                    () -> unchanged((1 << 13) + 1, 1 << 13).place(1, 1, Backend.TORCHVISION))
                .reason())
        .isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
  }

  @Test
  void tellsTheSizeOfEveryPictureWhereThereIsOne() {
    assertThat(unchanged(7, 5).fixedSize()).contains(new Size(7, 5));
    assertThat(new Geometry(new SizeRule.Exactly(5, 7), Optional.empty()).fixedSize())
        .contains(new Size(7, 5));
    assertThat(new Geometry(new SizeRule.Unchanged(), Optional.empty()).fixedSize()).isEmpty();
  }

  @Test
  void tellsWhetherAPictureShowsImageAlone() {
    assertThat(new Placement(10, 10, 2, 3, 4, 5).isWithinImage()).isTrue();
    assertThat(new Placement(10, 10, 6, 5, 4, 5).isWithinImage()).isTrue();
    assertThat(new Placement(10, 10, -1, 3, 4, 5).isWithinImage()).isFalse();
    assertThat(new Placement(10, 10, 2, -1, 4, 5).isWithinImage()).isFalse();
    assertThat(new Placement(10, 10, 7, 3, 4, 5).isWithinImage()).isFalse();
    assertThat(new Placement(10, 10, 2, 6, 4, 5).isWithinImage()).isFalse();
  }

  private static Geometry unchanged(int cropWidth, int cropHeight) {
    return new Geometry(new SizeRule.Unchanged(), Optional.of(new Size(cropWidth, cropHeight)));
  }
}
