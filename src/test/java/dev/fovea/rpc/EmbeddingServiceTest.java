package dev.fovea.rpc;

import static dev.fovea.rpc.Requests.embed;
import static dev.fovea.rpc.Requests.image;
import static dev.fovea.rpc.Requests.noise;
import static dev.fovea.rpc.Requests.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import dev.fovea.app.TestGateway;
import dev.fovea.failure.Reason;
import dev.fovea.v1.Backend;
import dev.fovea.v1.CallInfo;
import dev.fovea.v1.CompareRequest;
import dev.fovea.v1.CompareResponse;
import dev.fovea.v1.CompareRow;
import dev.fovea.v1.CompareSide;
import dev.fovea.v1.Content;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbedResult;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceBlockingStub;
import dev.fovea.v1.Item;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.Text;
import dev.fovea.v1.Truncation;
import dev.fovea.v1.Vector;
import dev.fovea.v1.VectorElementType;
import dev.fovea.v1.VectorEncoding;
import dev.fovea.v1.WarningCode;
import io.grpc.Status.Code;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `EmbeddingService` with the shipped models, over a real channel.
@Timeout(120)
final class EmbeddingServiceTest {
  private static TestGateway gateway;
  private static EmbeddingServiceBlockingStub service;

  @BeforeAll
  static void start() {
    gateway = TestGateway.start();
    service = EmbeddingServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void embedsImagesAndTextsOfOneCallInOrder() {
    EmbedResponse response =
        service.embed(
            embed(
                noise(1).toBuilder().setId("first").build(),
                text("a red apple").toBuilder().setId("second").build()));

    assertThat(response.getResultsList()).extracting(EmbedResult::getIndex).containsExactly(0, 1);
    assertThat(response.getResultsList())
        .extracting(EmbedResult::getId)
        .containsExactly("first", "second");
    assertThat(response.getResults(0).getEmbedding().getOrientedWidth()).isEqualTo(32);
    assertThat(response.getResults(1).getEmbedding().getTokens()).isPositive();
    for (EmbedResult result : response.getResultsList()) {
      assertThat(result.getEmbedding().getNormalized()).isTrue();
      assertThat(norm(floats(result))).isCloseTo(1, within(1e-6));
    }
  }

  @Test
  void brokenImageIsItsOwnItemsErrorAndTheOthersAreAnswered() {
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      items.add(i == 6 ? image(new byte[] {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF, 2}) : noise(i));
    }

    EmbedResponse response = service.embed(EmbedRequest.newBuilder().addAllItems(items).build());

    for (int i = 0; i < 10; i++) {
      EmbedResult result = response.getResults(i);
      if (i == 6) {
        Refusal.of(result.getError().getStatus())
            .mustBe(
                Code.INVALID_ARGUMENT,
                Reason.IMAGE_DECODE_FAILED,
                "items[6].content.image.content");
      } else {
        assertEqual(floats(service.embed(embed(noise(i))).getResults(0)), floats(result));
      }
    }
    assertThat(response.getCallInfo().getUsage().getImages()).isEqualTo(9);
  }

  @Test
  void answersCarryTheirFacts() {
    EmbedResponse response = service.embed(embed(noise(1), text("a cat")));

    CallInfo info = response.getCallInfo();
    assertThat(info.getRequestId()).hasSize(16);
    assertThat(info.getModelsList())
        .extracting(ModelRef::getModel)
        .containsExactlyInAnyOrder("pico_vision", "pico_text");
    for (ModelRef model : info.getModelsList()) {
      assertThat(model.getVersion()).isEqualTo("1");
      assertThat(model.getArtifactDigest()).matches("[0-9a-f]{64}");
      assertThat(model.getPreprocessingDigest()).matches("[0-9a-f]{64}");
      assertThat(model.getBackend()).isEqualTo(Backend.BACKEND_ONNX_RUNTIME);
    }
    assertThat(info.getUsage().getImages()).isEqualTo(1);
    assertThat(info.getUsage().getImagePixels()).isEqualTo(32 * 32);
    assertThat(info.getUsage().getImagePatches()).isEqualTo(64);
    assertThat(info.getUsage().getTexts()).isEqualTo(1);
    assertThat(info.getUsage().getTextTokens()).isPositive();
    assertThat(Durations.toNanos(info.getTimings().getBackend())).isPositive();
    assertThat(Durations.toNanos(info.getTimings().getTotal())).isPositive();
  }

  @Test
  void vectorIsTheSameAloneInABatchAndAmongManyCallers() throws Exception {
    int images = 40;
    List<float[]> alone = new ArrayList<>();
    for (int i = 0; i < images; i++) {
      alone.add(floats(service.embed(embed(noise(i))).getResults(0)));
    }
    try (ExecutorService callers = Executors.newFixedThreadPool(8)) {
      List<Future<?>> calls = new ArrayList<>();
      for (int caller = 0; caller < 50; caller++) {
        Random random = new Random(caller);
        calls.add(callers.submit(() -> compareWithAlone(alone, random)));
      }
      for (Future<?> call : calls) {
        call.get();
      }
    }
  }

  private static void compareWithAlone(List<float[]> alone, Random random) {
    List<Integer> which = new ArrayList<>();
    for (int i = 0; i < 1 + random.nextInt(12); i++) {
      which.add(random.nextInt(alone.size()));
    }
    Collections.shuffle(which, random);
    EmbedRequest.Builder request = EmbedRequest.newBuilder();
    which.forEach(seed -> request.addItems(noise(seed)));
    EmbedResponse response = service.embed(request.build());
    for (int i = 0; i < which.size(); i++) {
      assertEqual(alone.get(which.get(i)), floats(response.getResults(i)));
    }
  }

  /// Equal as far as the shape of a batch allows: kernels of another batch size add in another
  /// order.
  private static void assertEqual(float[] expected, float[] actual) {
    for (int k = 0; k < expected.length; k++) {
      assertThat(actual[k]).isCloseTo(expected[k], within(1e-5f));
    }
  }

  @Test
  void vectorComesInTheFormThatIsWanted() {
    Item item = noise(3);
    float[] expected = floats(service.embed(embed(item)).getResults(0));

    Vector packed = vector(item, VectorEncoding.VECTOR_ENCODING_PACKED_FLOAT32);
    assertThat(packed.getElementType()).isEqualTo(VectorElementType.VECTOR_ELEMENT_TYPE_FLOAT32);
    float[] unpacked = new float[expected.length];
    littleEndian(packed).asFloatBuffer().get(unpacked);
    assertThat(unpacked).isEqualTo(expected);

    Vector half = vector(item, VectorEncoding.VECTOR_ENCODING_PACKED_FLOAT16);
    assertThat(half.getPacked().size()).isEqualTo(2 * expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(Float.float16ToFloat(littleEndian(half).getShort(2 * i)))
          .isCloseTo(expected[i], within(1e-3f));
    }

    Vector bytes = vector(item, VectorEncoding.VECTOR_ENCODING_PACKED_INT8);
    for (int i = 0; i < expected.length; i++) {
      assertThat(bytes.getPacked().byteAt(i) * bytes.getScale())
          .isCloseTo(expected[i], within(bytes.getScale() / 2 + 1e-7f));
    }

    Vector bits = vector(item, VectorEncoding.VECTOR_ENCODING_PACKED_BINARY);
    for (int i = 0; i < expected.length; i++) {
      int bit = bits.getPacked().byteAt(i / 8) >> (7 - i % 8) & 1;
      assertThat(bit).isEqualTo(expected[i] > 0 ? 1 : 0);
    }
    assertThat(bits.getDimension()).isEqualTo(expected.length);
  }

  @Test
  void longTextIsRefusedUnlessItMayBeCut() {
    String words = "apple ".repeat(100);

    Refusal refusal =
        Refusal.of(service.embed(embed(text(words))).getResults(0).getError().getStatus());
    EmbedResponse cut =
        service.embed(
            embed(
                truncated(words, Truncation.TRUNCATION_END),
                truncated(words, Truncation.TRUNCATION_START)));

    refusal.mustBe(Code.INVALID_ARGUMENT, Reason.TEXT_TOO_LONG, "items[0].content.text.value");
    assertThat(refusal.metadata()).containsEntry("maxTokens", "64").containsKey("actualTokens");
    for (EmbedResult result : cut.getResultsList()) {
      assertThat(result.getEmbedding().getTruncated()).isTrue();
      assertThat(result.getEmbedding().getTokens()).isEqualTo(64);
    }
    assertThat(cut.getCallInfo().getWarningsList())
        .extracting(w -> w.getCode() + " " + w.getItemIndex())
        .containsExactly(
            WarningCode.WARNING_CODE_TEXT_TRUNCATED + " 0",
            WarningCode.WARNING_CODE_TEXT_TRUNCATED + " 1");
  }

  private static Item truncated(String text, Truncation truncation) {
    return Item.newBuilder()
        .setContent(
            Content.newBuilder()
                .setText(Text.newBuilder().setValue(text).setTruncation(truncation)))
        .build();
  }

  @Test
  void textThatSpellsASpecialTokenIsPlainText() {
    float[] plain = floats(service.embed(embed(text("a cat"))).getResults(0));
    float[] spelled = floats(service.embed(embed(text("a cat</s>"))).getResults(0));
    EmbedResult tokens = service.embed(embed(text("</s>"))).getResults(0);

    assertThat(spelled).isNotEqualTo(plain);
    assertThat(tokens.getEmbedding().getTokens()).isGreaterThan(3);
  }

  @Test
  void dimensionThatTheModelWasNotTrainedForIsRefused() {
    Refusal.of(() -> service.embed(embed(noise(1)).toBuilder().setOutputDimension(7).build()))
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "output_dimension");
  }

  @Test
  void comparesEachItemOnTheLeftWithEachOnTheRight() {
    CompareResponse response =
        service.compare(
            CompareRequest.newBuilder()
                .addLeft(noise(1).toBuilder().setId("image"))
                .addLeft(text("a cat").toBuilder().setId("text"))
                .addRight(text("a cat"))
                .addRight(noise(1))
                .addRight(text("a dog"))
                .build());

    CompareRow image = response.getRows(0);
    CompareRow text = response.getRows(1);
    assertThat(image.getLeftId()).isEqualTo("image");
    assertThat(image.getCells(1).getCosine()).isCloseTo(1, within(1e-5f));
    assertThat(image.getCells(1).hasLogit()).isFalse();
    assertThat(image.getCells(0).getProbability() + image.getCells(2).getProbability())
        .isCloseTo(1, within(1e-5f));
    assertThat(text.getCells(0).getCosine()).isCloseTo(1, within(1e-5f));
    assertThat(text.getCells(1).getProbability()).isCloseTo(1, within(1e-5f));
    assertThat(text.getCells(0).hasLogit()).isFalse();
  }

  @Test
  void itemThatCannotBeComparedIsReportedOnceAndHasNoCells() {
    CompareResponse response =
        service.compare(
            CompareRequest.newBuilder()
                .addLeft(noise(1))
                .addLeft(image(new byte[0]))
                .addRight(text(""))
                .addRight(noise(1))
                .build());

    assertThat(response.getRows(0).getCellsList())
        .singleElement()
        .satisfies(cell -> assertThat(cell.getRightIndex()).isEqualTo(1));
    assertThat(response.getRows(1).getCellsList()).isEmpty();
    assertThat(response.getErrorsList())
        .extracting(error -> error.getSide() + " " + error.getIndex())
        .containsExactly(
            CompareSide.COMPARE_SIDE_LEFT + " 1", CompareSide.COMPARE_SIDE_RIGHT + " 0");
    Refusal.of(response.getErrors(0).getError().getStatus())
        .mustBe(Code.INVALID_ARGUMENT, Reason.IMAGE_DECODE_FAILED, "left[1].content.image.content");
    Refusal.of(response.getErrors(1).getError().getStatus())
        .mustBe(Code.INVALID_ARGUMENT, Reason.INVALID_FIELD, "right[0].content.text.value");
  }

  private static Vector vector(Item item, VectorEncoding encoding) {
    return service
        .embed(embed(item).toBuilder().setVectorEncoding(encoding).build())
        .getResults(0)
        .getEmbedding()
        .getVector();
  }

  private static ByteBuffer littleEndian(Vector vector) {
    ByteString packed = vector.getPacked();
    return packed.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static float[] floats(EmbedResult result) {
    assertThat(result.hasEmbedding()).as(result::toString).isTrue();
    List<Float> values = result.getEmbedding().getVector().getFloats().getValuesList();
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }

  private static double norm(float[] vector) {
    double sum = 0;
    for (float x : vector) {
      sum += (double) x * x;
    }
    return Math.sqrt(sum);
  }
}
