package dev.fovea.rpc;

import com.google.protobuf.ByteString;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.Content;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.Image;
import dev.fovea.v1.Item;
import dev.fovea.v1.Label;
import dev.fovea.v1.LabelList;
import dev.fovea.v1.PixelFormat;
import dev.fovea.v1.RawImage;
import dev.fovea.v1.Text;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/// Requests as clients write them.
public final class Requests {
  private Requests() {}

  public static EmbedRequest embed(Item... items) {
    return EmbedRequest.newBuilder().addAllItems(List.of(items)).build();
  }

  public static ClassifyRequest classify(Item item, String... labels) {
    return ClassifyRequest.newBuilder().addItems(item).setLabelList(labels(labels)).build();
  }

  public static LabelList labels(String... names) {
    LabelList.Builder list = LabelList.newBuilder();
    for (String name : names) {
      list.addLabels(Label.newBuilder().setName(name));
    }
    return list.build();
  }

  public static Item image(byte[] file) {
    return image(Image.newBuilder().setContent(ByteString.copyFrom(file)).build());
  }

  public static Item image(Path file) {
    try {
      return image(Files.readAllBytes(file)).toBuilder()
          .setId(file.getFileName().toString())
          .build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Item image(Image image) {
    return Item.newBuilder().setContent(Content.newBuilder().setImage(image)).build();
  }

  public static Item text(String text) {
    return Item.newBuilder()
        .setContent(Content.newBuilder().setText(Text.newBuilder().setValue(text)))
        .build();
  }

  /// A picture of random pixels that a seed tells from every other.
  public static Item noise(int seed) {
    byte[] pixels = new byte[32 * 32 * 3];
    new Random(seed).nextBytes(pixels);
    return raw(32, 32, pixels);
  }

  public static Item raw(int width, int height, byte[] rgb) {
    return image(
        Image.newBuilder()
            .setRaw(
                RawImage.newBuilder()
                    .setWidth(width)
                    .setHeight(height)
                    .setPixelFormat(PixelFormat.PIXEL_FORMAT_RGB24)
                    .setData(ByteString.copyFrom(rgb)))
            .build());
  }
}
