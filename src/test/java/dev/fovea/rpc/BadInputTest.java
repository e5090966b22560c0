package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.classify;
import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.noise;
import static dev.fovea.rpc.Requests.raw;
import static dev.fovea.rpc.Requests.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.v1.ClassificationServiceGrpc;
import dev.fovea.v1.ClassificationServiceGrpc.ClassificationServiceBlockingStub;
import dev.fovea.v1.ClassifyRequest;
import dev.fovea.v1.CompareRequest;
import dev.fovea.v1.Content;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResult;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceBlockingStub;
import dev.fovea.v1.GetModelRequest;
import dev.fovea.v1.Image;
import dev.fovea.v1.ImageOptions;
import dev.fovea.v1.Item;
import dev.fovea.v1.Label;
import dev.fovea.v1.ListModelsRequest;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.ModelServiceGrpc.ModelServiceBlockingStub;
import dev.fovea.v1.NormalizedBox;
import dev.fovea.v1.PixelFormat;
import dev.fovea.v1.RawImage;
import io.grpc.Status.Code;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What clients get wrong, over a real channel: each is told what and where, and the next call
/// works.
@Timeout(120)
final class BadInputTest {
  private static final int MAX_MESSAGE_BYTES = 4 << 20;
  private static final int MAX_IMAGE_BYTES = 1 << 20;
  private static final Path CAT = Path.of("src/test/resources/golden/images/420-q90.jpg");

  private static TestGateway gateway;
  private static EmbeddingServiceBlockingStub embedding;
  private static ClassificationServiceBlockingStub classification;
  private static ModelServiceBlockingStub models;

  @BeforeAll
  static void start() {
    gateway =
        TestGateway.start(
            Map.of(
                "fovea.grpc.max-message-bytes", String.valueOf(MAX_MESSAGE_BYTES),
                "fovea.limits.max-image-bytes", String.valueOf(MAX_IMAGE_BYTES),
                "fovea.limits.max-items", "16",
                "fovea.limits.max-labels", "32",
                "fovea.limits.max-prompts", "64"));
    embedding = EmbeddingServiceGrpc.newBlockingStub(gateway.channel());
    classification = ClassificationServiceGrpc.newBlockingStub(gateway.channel());
    models = ModelServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @AfterEach
  void theNextCallWorks() {
    assertThat(embedding.embed(embed(noise(1))).getResults(0).hasEmbedding()).isTrue();
  }

  // Whole requests

  @Test
  void emptyRequest() {
    Refusal.of(() -> embedding.embed(EmbedRequest.getDefaultInstance()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items");
    Refusal.of(() -> classification.classify(ClassifyRequest.getDefaultInstance()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items");
    Refusal.of(() -> embedding.compare(CompareRequest.newBuilder().addRight(noise(1)).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "left");
    Refusal.of(() -> embedding.compare(CompareRequest.newBuilder().addLeft(noise(1)).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "right");
    Refusal.of(() -> models.getModel(GetModelRequest.getDefaultInstance()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "model");
  }

  @Test
  void moreItemsThanAllowed() {
    EmbedRequest.Builder request = EmbedRequest.newBuilder();
    for (int i = 0; i < 17; i++) {
      request.addItems(noise(i));
    }

    Refusal refusal = Refusal.of(() -> embedding.embed(request.build()));

    refusal.mustBe(Code.INVALID_ARGUMENT, Reason.TOO_MANY_ITEMS, "items");
    assertThat(refusal.metadata())
        .containsEntry("maxItems", "16")
        .containsEntry("actualItems", "17");
    Refusal.of(() ->
            embedding.compare(
                CompareRequest.newBuilder()
                    .addAllLeft(request.getItemsList().subList(0, 9))
                    .addAllRight(request.getItemsList().subList(0, 8))
                    .build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.TOO_MANY_ITEMS, "right");
  }

  @Test
  void messageAboveTheLimit() {
    EmbedRequest request = embed(image(new byte[MAX_MESSAGE_BYTES]));

    // The transport refuses it before any of our code sees it: there is no reason to read.
    assertThat(Refusal.of(() -> embedding.embed(request)).code())
        .isEqualTo(Code.RESOURCE_EXHAUSTED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nobody", "pico_nobody", "PICO"})
  void unknownModel(String name) {
    Refusal refusal = Refusal.of(() -> embedding.embed(ask(name, "")));

    refusal.mustBe(Code.NOT_FOUND, Reason.MODEL_NOT_FOUND, "model.model");
    assertThat(refusal.metadata()).containsEntry("model", name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"../pico", "pico/1", "pico vision", "pico\u0000", "..%2fpico", "a\nb", "пико"})
  void modelNameThatNoModelMayHave(String name) {
    Refusal.of(() -> embedding.embed(ask(name, "")))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "model.model");
  }

  @Test
  void unknownVersion() {
    Refusal.of(() -> embedding.embed(ask("pico", "7")))
        .mustBe(Code.NOT_FOUND, Reason.MODEL_NOT_FOUND, "model.version");
    Refusal.of(() -> embedding.embed(ask("pico", "-1")))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "model.version");
  }

  private static EmbedRequest ask(String model, String version) {
    return embed(noise(1)).toBuilder()
        .setModel(ModelSelector.newBuilder().setModel(model).setVersion(version))
        .build();
  }

  @Test
  void valuesThatTheEnumsDoNotHave() {
    Refusal.of(
            () -> embedding.embed(embed(noise(1)).toBuilder().setVectorEncodingValue(99).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "vector_encoding");
    Refusal.of(() ->
            classification.classify(classify(noise(1), "a").toBuilder().setModeValue(99).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "mode");
    refusedImage(
            Image.newBuilder()
                .setContent(jpeg())
                .setOptions(ImageOptions.newBuilder().setOrientationValue(99))
                .build())
        .mustBe(
            Code.INVALID_ARGUMENT,
            Reason.INVALID_FIELD,
            "items[0].content.image.options.orientation");
    refusedImage(
            Image.newBuilder()
                .setContent(jpeg())
                .setOptions(ImageOptions.newBuilder().setDetailValue(99))
                .build())
        .mustBe(
            Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.options.detail");
    refusedImage(
            Image.newBuilder()
                .setRaw(
                    RawImage.newBuilder()
                        .setWidth(1)
                        .setHeight(1)
                        .setPixelFormatValue(99)
                        .setData(ByteString.copyFrom(new byte[3])))
                .build())
        .mustBe(
            Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.raw.pixel_format");
  }

  @Test
  void pageOfAListThatCannotBe() {
    Refusal.of(() -> models.listModels(ListModelsRequest.newBuilder().setPageSize(-1).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "page_size");
    Refusal.of(() -> models.listModels(ListModelsRequest.newBuilder().setPageToken("x").build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "page_token");
  }

  // Images

  @Test
  void itemWithoutContent() {
    refused(Item.getDefaultInstance())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content");
    refused(
            Item.newBuilder()
                .setContent(Content.newBuilder().setImage(Image.getDefaultInstance()))
                .build())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.source");
    refused(noise(1).toBuilder().setId("x".repeat(129)).build())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].id");
  }

  @Test
  void imageOfZeroBytes() {
    refused(image(new byte[0]))
        .mustBe(
            Code.INVALID_ARGUMENT, Reason.IMAGE_DECODE_FAILED, "items[0].content.image.content");
  }

  @Test
  void textFileThatIsNamedLikeAnImage() {
    refused(image("this is no picture\n".getBytes(StandardCharsets.UTF_8)))
        .mustBe(
            Code.INVALID_ARGUMENT,
            Reason.UNSUPPORTED_IMAGE_FORMAT,
            "items[0].content.image.content");
  }

  @Test
  void jpegThatIsCutShort() {
    byte[] whole = jpeg().toByteArray();
    for (int length : new int[] {4, 20, whole.length / 2, whole.length - 2}) {
      refused(image(Arrays.copyOf(whole, length)))
          .mustBe(
              Code.INVALID_ARGUMENT, Reason.IMAGE_DECODE_FAILED, "items[0].content.image.content");
    }
  }

  @Test
  void jpegWhoseHeaderDeclaresTheLargestImageThereIs() {
    byte[] jpeg = jpeg().toByteArray();
    int frame = indexOfStartOfFrame(jpeg);
    Arrays.fill(jpeg, frame + 5, frame + 9, (byte) 0xFF);

    Refusal refusal = refused(image(jpeg));

    refusal.mustBe(
        Code.INVALID_ARGUMENT, Reason.IMAGE_DIMENSIONS_EXCEEDED, "items[0].content.image.content");
    assertThat(refusal.metadata()).containsEntry("width", "65535").containsEntry("height", "65535");
  }

  @Test
  void pngOfZerosThatUnpacksToNearlyAGigabyte() throws IOException {
    byte[] bomb = pngOfZeros(30_000, 30_000);
    assertThat(bomb.length).isLessThan(MAX_IMAGE_BYTES);

    refused(image(bomb))
        .mustBe(
            Code.INVALID_ARGUMENT,
            Reason.IMAGE_DIMENSIONS_EXCEEDED,
            "items[0].content.image.content");
  }

  @Test
  void imageWithMoreBytesThanAllowed() {
    Refusal refusal = refused(image(new byte[MAX_IMAGE_BYTES + 1]));

    refusal.mustBe(Code.INVALID_ARGUMENT, Reason.IMAGE_TOO_LARGE, "items[0].content.image.content");
    assertThat(refusal.metadata())
        .containsEntry("maxBytes", String.valueOf(MAX_IMAGE_BYTES))
        .containsEntry("actualBytes", String.valueOf(MAX_IMAGE_BYTES + 1));
  }

  @Test
  void imageThatIsTooNarrow() {
    refused(raw(201, 1, new byte[201 * 3]))
        .mustBe(
            Code.INVALID_ARGUMENT, Reason.IMAGE_DIMENSIONS_EXCEEDED, "items[0].content.image.raw");
    assertThat(embedding.embed(embed(raw(200, 1, new byte[200 * 3]))).getResults(0).hasEmbedding())
        .isTrue();
  }

  @Test
  void rawPixelsThatDoNotFitTheirSize() {
    refused(raw(4, 4, new byte[47]))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.raw.data");
    refused(raw(0, 4, new byte[0]))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.raw.width");
    refused(raw(-1, 4, new byte[0]))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.raw.data");
    refusedImage(
            Image.newBuilder()
                .setRaw(
                    RawImage.newBuilder()
                        .setWidth(4)
                        .setHeight(4)
                        .setStride(11)
                        .setPixelFormat(PixelFormat.PIXEL_FORMAT_RGB24)
                        .setData(ByteString.copyFrom(new byte[48])))
                .build())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.raw.stride");
    refusedImage(
            Image.newBuilder()
                .setRaw(
                    RawImage.newBuilder()
                        .setWidth(1)
                        .setHeight(1)
                        .setData(ByteString.copyFrom(new byte[3])))
                .build())
        .mustBe(
            Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.raw.pixel_format");
  }

  @ParameterizedTest
  @CsvSource({
    "NaN, 0, 1, 1, x_min",
    "-0.1, 0, 1, 1, x_min",
    "1.1, 0, 1, 1, x_min",
    "0, -Infinity, 1, 1, y_min",
    "0, 0, Infinity, 1, x_max",
    "0, 0, 1.0001, 1, x_max",
    "0, 0, 1, NaN, y_max",
    "0, 0, 0, 1, x_max",
    "0.5, 0, 0.5, 1, x_max",
    "0.6, 0, 0.4, 1, x_max",
    "0, 0.6, 1, 0.4, y_max",
    "0, 1, 1, 1, y_max"
  })
  void regionThatIsNone(float xMin, float yMin, float xMax, float yMax, String field) {
    refusedImage(
            Image.newBuilder()
                .setContent(jpeg())
                .setRegion(
                    NormalizedBox.newBuilder()
                        .setXMin(xMin)
                        .setYMin(yMin)
                        .setXMax(xMax)
                        .setYMax(yMax))
                .build())
        .mustBe(
            Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.region." + field);
  }

  @Test
  void regionThatWasBegunAndNotFinished() {
    refusedImage(
            Image.newBuilder()
                .setContent(jpeg())
                .setRegion(NormalizedBox.getDefaultInstance())
                .build())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.region.x_max");
  }

  @Test
  void regionThatIsTooNarrow() {
    Image image =
        raw(402, 4, new byte[402 * 4 * 3]).getContent().getImage().toBuilder()
            .setRegion(NormalizedBox.newBuilder().setXMax(1).setYMax(0.25f))
            .build();

    Refusal refusal = refusedImage(image);

    refusal.mustBe(
        Code.INVALID_ARGUMENT, Reason.IMAGE_DIMENSIONS_EXCEEDED, "items[0].content.image.region");
    assertThat(refusal.metadata()).containsEntry("width", "402").containsEntry("height", "1");
  }

  @Test
  void frameThatTheFileDoesNotHave() {
    for (int frame : new int[] {1, -1}) {
      refusedImage(Image.newBuilder().setContent(jpeg()).setFrameIndex(frame).build())
          .mustBe(
              Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.frame_index");
    }
  }

  @Test
  void frameOfVideoOfAnOddSize() {
    refusedImage(
            Image.newBuilder()
                .setRaw(
                    RawImage.newBuilder()
                        .setWidth(3)
                        .setHeight(2)
                        .setPixelFormat(PixelFormat.PIXEL_FORMAT_NV12)
                        .setData(ByteString.copyFrom(new byte[9])))
                .build())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.image.raw.width");
  }

  @Test
  void colourOutOfRange() {
    refusedImage(
            Image.newBuilder()
                .setContent(jpeg())
                .setOptions(ImageOptions.newBuilder().setAlphaBackground(0x1000000))
                .build())
        .mustBe(
            Code.INVALID_ARGUMENT,
            Reason.INVALID_FIELD,
            "items[0].content.image.options.alpha_background");
  }

  // Texts

  @Test
  void textOfAHundredThousandCharacters() {
    Refusal refusal = refused(text("x".repeat(100_000)));

    refusal.mustBe(Code.INVALID_ARGUMENT, Reason.TEXT_TOO_LONG, "items[0].content.text.value");
    assertThat(refusal.metadata())
        .containsEntry("maxCharacters", "8192")
        .containsEntry("actualCharacters", "100000");
  }

  @Test
  void emptyText() {
    refused(text(""))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content.text.value");
  }

  // Labels

  @Test
  void thresholdThatIsNoNumber() {
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -2, 2}) {
      Refusal.of(() ->
              classification.classify(
                  classify(noise(1), "a").toBuilder().setMinScore(value).build()))
          .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "min_score");
      Refusal.of(() ->
              classification.classify(
                  classify(noise(1), "a").toBuilder().setRejectionThreshold(value).build()))
          .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "rejection_threshold");
    }
  }

  @Test
  void topKOutOfRange() {
    for (int topK : new int[] {0, 4097, -1}) {
      Refusal.of(() ->
              classification.classify(classify(noise(1), "a").toBuilder().setTopK(topK).build()))
          .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "top_k");
    }
  }

  @Test
  void labelsThatAreNoLabels() {
    Refusal.of(
            () -> classification.classify(ClassifyRequest.newBuilder().addItems(noise(1)).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "labels");
    Refusal.of(() -> classification.classify(classify(noise(1))))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_list.labels");
    Refusal.of(() -> classification.classify(classify(noise(1), "a", "")))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_list.labels[1].name");
    Refusal.of(() -> classification.classify(classify(noise(1), names(33))))
        .mustBe(Code.INVALID_ARGUMENT, Reason.TOO_MANY_ITEMS, "label_list.labels");
    ClassifyRequest.Builder emptyPrompt = classify(noise(1), "a").toBuilder();
    emptyPrompt.getLabelListBuilder().addLabels(Label.newBuilder().setName("b").addPrompts(""));
    Refusal.of(() -> classification.classify(emptyPrompt.build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "label_list.labels[1].prompts[0]");
  }

  @Test
  void promptWithMoreTokensThanTheModelReads() {
    ClassifyRequest.Builder request = classify(noise(1), "a").toBuilder();
    request
        .getLabelListBuilder()
        .addLabels(Label.newBuilder().setName("b").addPrompts("c").addPrompts("apple ".repeat(99)));

    Refusal refusal = Refusal.of(() -> classification.classify(request.build()));

    assertThat(refusal.reason()).isEqualTo(Reason.TEXT_TOO_LONG.name());
    assertThat(refusal.fields()).containsExactly("label_list.labels[1].prompts[1]");
  }

  @Test
  void morePromptsThanAllowed() {
    ClassifyRequest request =
        classify(noise(1), names(30)).toBuilder()
            .addAllHypothesisTemplates(List.of("{}", "a {}", "the {}"))
            .build();

    Refusal refusal = Refusal.of(() -> classification.classify(request));

    assertThat(refusal.reason()).isEqualTo(Reason.TOO_MANY_ITEMS.name());
    assertThat(refusal.metadata()).containsEntry("actualItems", "90");
  }

  private static String[] names(int count) {
    String[] names = new String[count];
    Arrays.setAll(names, i -> "label " + i);
    return names;
  }

  @ParameterizedTest
  @ValueSource(strings = {"no place", "two {} places {}", ""})
  void templateWithoutOnePlace(String template) {
    Refusal.of(() ->
            classification.classify(
                classify(noise(1), "a").toBuilder()
                    .addHypothesisTemplates("{}")
                    .addHypothesisTemplates(template)
                    .build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "hypothesis_templates[1]");
  }

  @Test
  void textWhereAnImageIsClassified() {
    Refusal.of(
            classification
                .classify(classify(text("a cat"), "a").toBuilder().addItems(noise(1)).build())
                .getResults(0)
                .getError()
                .getStatus())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items[0].content");
  }

  // Time

  @Test
  void deadlineOfOneMillisecond() {
    EmbedRequest.Builder request = EmbedRequest.newBuilder();
    for (int i = 0; i < 16; i++) {
      request.addItems(noise(i));
    }

    Refusal refusal =
        Refusal.of(
            () -> embedding.withDeadlineAfter(1, TimeUnit.MILLISECONDS).embed(request.build()));

    assertThat(refusal.code()).isEqualTo(Code.DEADLINE_EXCEEDED);
  }

  private static Refusal refused(Item item) {
    EmbedResult result = embedding.embed(embed(item, noise(2))).getResults(0);
    assertThat(result.hasError()).isTrue();
    return Refusal.of(result.getError().getStatus());
  }

  private static Refusal refusedImage(Image image) {
    return refused(image(image));
  }

  private static ByteString jpeg() {
    try {
      return ByteString.copyFrom(Files.readAllBytes(CAT));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static int indexOfStartOfFrame(byte[] jpeg) {
    for (int i = 0; i < jpeg.length - 1; i++) {
      if (jpeg[i] == (byte) 0xFF && jpeg[i + 1] == (byte) 0xC0) {
        return i;
      }
    }
    throw new AssertionError("no baseline frame");
  }

  private static byte[] pngOfZeros(int width, int height) throws IOException {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(png);
    out.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    DataOutputStream fields = new DataOutputStream(header);
    fields.writeInt(width);
    fields.writeInt(height);
    fields.write(new byte[] {8, 0, 0, 0, 0});
    chunk(out, "IHDR", header.toByteArray());
    chunk(out, "IDAT", deflatedZeros((width + 1L) * height));
    chunk(out, "IEND", new byte[0]);
    return png.toByteArray();
  }

  static void chunk(DataOutputStream out, String type, byte[] data) throws IOException {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(data);
    out.writeInt(data.length);
    out.write(name);
    out.write(data);
    out.writeInt((int) crc.getValue());
  }

  private static byte[] deflatedZeros(long length) {
    Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] zeros = new byte[1 << 20];
    byte[] buffer = new byte[1 << 16];
    for (long left = length; left > 0; left -= zeros.length) {
      deflater.setInput(zeros, 0, (int) Math.min(left, zeros.length));
      while (!deflater.needsInput()) {
        out.write(buffer, 0, deflater.deflate(buffer));
      }
    }
    deflater.finish();
    while (!deflater.finished()) {
      out.write(buffer, 0, deflater.deflate(buffer));
    }
    deflater.end();
    return out.toByteArray();
  }
}
