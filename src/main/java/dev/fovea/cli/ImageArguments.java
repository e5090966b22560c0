package dev.fovea.cli;

import com.google.protobuf.ByteString;
import com.google.protobuf.TextFormat;
import dev.fovea.v1.Content;
import dev.fovea.v1.Detail;
import dev.fovea.v1.Image;
import dev.fovea.v1.ImageOptions;
import dev.fovea.v1.Item;
import dev.fovea.v1.NormalizedBox;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// What a command line may say of the images it names: the same for all of them.
final class ImageArguments {
  /// Goes before what `fovea upload` gives, so that it is told from a file's name.
  static final String HANDLE = "handle:";

  /// What an image is called on a command line.
  static final String LABEL = "FILE|handle:…";

  @Option(
      names = "--region",
      paramLabel = "X0,Y0,X1,Y1",
      converter = Box.class,
      description = "Look at this part alone: left, upper, right and lower edge, each 0 to 1")
  private @Nullable NormalizedBox region;

  @Option(
      names = "--frame",
      paramLabel = "N",
      defaultValue = "0",
      description = "Frame of an animation, from 0. Default: ${DEFAULT-VALUE}")
  private int frame;

  @Option(
      names = "--detail",
      paramLabel = "auto|low|high",
      converter = Fineness.class,
      description = "low: decode faster what is large, close to the reference but not equal to it")
  private Detail detail = Detail.DETAIL_UNSPECIFIED;

  /// `0.1,0.2,0.5,0.9`
  private static final class Box implements ITypeConverter<NormalizedBox> {
    @Override
    public NormalizedBox convert(String text) {
      String[] edges = text.split(",", -1);
      try {
        if (edges.length == 4) {
          return NormalizedBox.newBuilder()
              .setXMin(Float.parseFloat(edges[0]))
              .setYMin(Float.parseFloat(edges[1]))
              .setXMax(Float.parseFloat(edges[2]))
              .setYMax(Float.parseFloat(edges[3]))
              .build();
        }
      } catch (NumberFormatException _) {
        // Told below.
      }
      throw new TypeConversionException("'" + text + "' (expected: four numbers, as 0,0,0.5,1)");
    }
  }

  private static final class Fineness implements ITypeConverter<Detail> {
    @Override
    public Detail convert(String text) {
      return switch (text.toLowerCase(Locale.ROOT)) {
        case "auto" -> Detail.DETAIL_AUTO;
        case "low" -> Detail.DETAIL_LOW;
        case "high" -> Detail.DETAIL_HIGH;
        default ->
            throw new TypeConversionException("'" + text + "' (expected: auto, low or high)");
      };
    }
  }

  /// A file or handle as an item, named as the command line names it.
  Item item(String name) {
    return Item.newBuilder()
        .setId(shortened(name))
        .setContent(Content.newBuilder().setImage(image(name)))
        .build();
  }

  Image image(String name) {
    Image.Builder image = Image.newBuilder();
    if (name.startsWith(HANDLE)) {
      image.setHandle(name.substring(HANDLE.length()));
    } else {
      image.setContent(bytes(Path.of(name)));
    }
    return looked(image);
  }

  /// A file's bytes as content.
  Content content(ByteString bytes) {
    return Content.newBuilder().setImage(looked(Image.newBuilder().setContent(bytes))).build();
  }

  /// How an image is looked at, for a person to read and to compare.
  String look() {
    return TextFormat.printer().shortDebugString(looked(Image.newBuilder()));
  }

  private Image looked(Image.Builder image) {
    image.setFrameIndex(frame);
    if (detail != Detail.DETAIL_UNSPECIFIED) {
      image.setOptions(ImageOptions.newBuilder().setDetail(detail));
    }
    if (region != null) {
      image.setRegion(region);
    }
    return image.build();
  }

  /// @throws UnreadableFileException naming the file
  static ByteString bytes(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return ByteString.readFrom(in);
    } catch (NoSuchFileException e) {
      throw new UnreadableFileException(file + ": no such file");
    } catch (IOException e) {
      throw new UnreadableFileException(file + ": cannot be read (" + e.getMessage() + ")");
    }
  }

  /// Ids may have 128 characters.
  private static String shortened(String name) {
    return name.length() <= 128 ? name : name.substring(name.length() - 128);
  }
}
