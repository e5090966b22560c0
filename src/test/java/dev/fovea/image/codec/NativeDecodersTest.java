package dev.fovea.image.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.GoldenFiles;
import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class NativeDecodersTest {
  private static final Native<TurboJpeg> NO_TURBO = new Native.Missing<>("libjpeg-turbo: not here");

  /// Decodes as the JDK does, and then gets a pixel wrong.
  private record OffByOne(JpegCodec exact) implements ImageCodec {
    @Override
    public ImageFormat format() {
      return exact.format();
    }

    @Override
    public boolean recognises(ByteReader file) {
      return exact.recognises(file);
    }

    @Override
    public ImageHeader readHeader(ByteReader file, int frame) {
      return exact.readHeader(file, frame);
    }

    @Override
    public Pixels decode(ByteReader file, ImageHeader header, Request request) {
      Pixels pixels = exact.decode(file, header, request);
      pixels.rgb()[pixels.rgb().length - 1]++;
      return pixels;
    }
  }

  private final JpegCodec jdk = new JpegCodec(JpegDecoding.JAVA, Optional.empty());

  @Test
  void decoderWithTheRightPixelsPassesTheCheck() {
    assertThat(DecoderCheck.faultOf(jdk)).isEmpty();
    assertThat(NativeDecoders.checked("library", jdk)).isEqualTo(new Native.Present<>("library"));
  }

  @Test
  void decoderWithOneWrongPixelIsSwitchedOff() {
    assertThat(NativeDecoders.checked("library", new OffByOne(jdk)))
        .isEqualTo(
            new Native.Missing<>(
                "the check of JPEG failed: 420.jpeg does not have the pixels that it should have"));
  }

  @Test
  void decoderThatFailsIsSwitchedOff() {
    WebPCodec without = new WebPCodec(new Native.Missing<>("not here"));

    assertThat(NativeDecoders.checked("library", without)).isInstanceOf(Native.Missing.class);
  }

  @Test
  void jpegIsTheJdksWhereThereIsNoTurbo() {
    JpegCodec codec = NativeDecoders.jpeg(JpegDecoding.AUTO, NO_TURBO);

    assertThat(codec.specification()).isEqualTo("imageio");
  }

  @Test
  void serverThatMustHaveTurboDoesNotStartWithout() {
    assertThatThrownBy(() -> NativeDecoders.jpeg(JpegDecoding.NATIVE, NO_TURBO))
        .isInstanceOf(FaultyConfigurationException.class)
        .hasMessage(
            "fovea.image.jpeg-decoder: native (expected: auto or java, for libjpeg-turbo: not"
                + " here)");
  }

  @Test
  void webPIsRefusedByNameWhereThereIsNoLibrary() {
    WebPCodec codec = new WebPCodec(new Native.Missing<>("/usr/lib/libwebp.so.7: not here"));
    ByteReader file =
        ByteReader.of(ImageFormat.WEBP, ByteBuffer.wrap(GoldenFiles.bytes("lossy-75.webp")));

    GatewayException refusal =
        catchThrowableOfType(GatewayException.class, () -> codec.readHeader(file, 0));

    assertThat(refusal.reason()).isEqualTo(Reason.UNSUPPORTED_IMAGE_FORMAT);
    assertThat(refusal)
        .hasMessage("WEBP: decoder: none on this server (expected: one with libwebp)");
    assertThat(codec.specification()).isEqualTo("none");
  }

  @Test
  void webPSaysWhichLibraryItHas() {
    assertThat(NativeDecoders.webp().specification()).matches("libwebp-1\\.[0-9]+\\.[0-9]+");
  }
}
