package dev.fovea.cli;

import dev.fovea.v1.ImageServiceGrpc;
import io.grpc.ManagedChannel;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// What the commands have in common that say something about every place of an image.
abstract class DenseCommand extends ServerCommand {
  /// Pixels of a drawing's longer side.
  private static final int LONGEST = 1024;

  @Parameters(
      index = "0",
      paramLabel = ImageArguments.LABEL,
      description = "An image file, or a handle that fovea upload gave")
  private String image = "";

  @Mixin private final ImageArguments arguments = new ImageArguments();

  @Option(
      names = "--out",
      paramLabel = "PICTURE",
      description = "Draw it over the image, into a .png or .jpg file")
  private @Nullable Path out;

  @Option(names = "--model", defaultValue = "", description = "A family or model")
  private String model = "";

  String name() {
    return image;
  }

  dev.fovea.v1.Image image() {
    return arguments.image(image);
  }

  String model() {
    return model;
  }

  /// What draws an answer.
  @FunctionalInterface
  interface Painting {
    BufferedImage over(HeatMap picture);
  }

  /// Draws an answer over the image, where that is wanted.
  ///
  /// @throws UnreadableFileException when that cannot be done
  void draw(ManagedChannel channel, Painting painting) {
    if (out == null) {
      return;
    }
    HeatMap picture =
        HeatMap.over(
            image, image(), withDeadline(ImageServiceGrpc.newBlockingStub(channel)), LONGEST);
    HeatMap.write(painting.over(picture), out);
  }
}
