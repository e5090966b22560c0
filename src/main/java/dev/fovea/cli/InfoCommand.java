package dev.fovea.cli;

import dev.fovea.v1.GetImageInfoRequest;
import dev.fovea.v1.GetImageInfoResponse;
import dev.fovea.v1.ImageInfo;
import dev.fovea.v1.ImageServiceGrpc;
import dev.fovea.v1.PixelBox;
import io.grpc.ManagedChannel;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `fovea info`: what an image declares of itself.
@Command(
    name = "info",
    description = "Tells what an image is, from its header alone.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class InfoCommand extends ServerCommand {
  @Parameters(paramLabel = ImageArguments.LABEL, description = "An image file or a handle")
  private String image = "";

  @Mixin private final ImageArguments arguments = new ImageArguments();

  @Override
  int call(ManagedChannel channel) {
    GetImageInfoResponse response =
        withDeadline(ImageServiceGrpc.newBlockingStub(channel))
            .getImageInfo(
                GetImageInfoRequest.newBuilder().setImage(arguments.image(image)).build());
    if (!toldAsJson(response)) {
      out().println(image + ": " + describe(response.getInfo()));
    }
    return 0;
  }

  static String describe(ImageInfo info) {
    StringBuilder line =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%s, %d×%d, %,d bytes",
                info.getFormat().name().replace("IMAGE_FORMAT_", ""),
                info.getWidth(),
                info.getHeight(),
                info.getSizeBytes()));
    if (info.getOrientation() > 1) {
      line.append(
          String.format(
              ", orientation %d: seen as %d×%d",
              info.getOrientation(), info.getOrientedWidth(), info.getOrientedHeight()));
    }
    if (info.getFrames() > 1) {
      line.append(", ").append(info.getFrames()).append(" frames");
    }
    if (info.hasRegion()) {
      PixelBox region = info.getRegion();
      line.append(
          String.format(
              ", region %d×%d at %d, %d",
              region.getWidth(), region.getHeight(), region.getLeft(), region.getTop()));
    }
    return line.toString();
  }
}
