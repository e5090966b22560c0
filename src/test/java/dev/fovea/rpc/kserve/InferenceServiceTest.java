package dev.fovea.rpc.kserve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.fovea.app.TestGateway;
import dev.fovea.fake.RealTriton;
import inference.GRPCInferenceServiceGrpc;
import inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import inference.InferParameter;
import inference.InferTensorContents;
import inference.ModelInferRequest;
import inference.ModelInferRequest.InferInputTensor;
import inference.ModelInferRequest.InferRequestedOutputTensor;
import inference.ModelInferResponse;
import inference.ModelReadyRequest;
import inference.RepositoryModelUnloadRequest;
import inference.SystemSharedMemoryStatusRequest;
import io.grpc.Status;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The standard inference protocol over the embedded engine.
@Timeout(120)
final class InferenceServiceTest {
  private static final int TOKENS = 16;

  private static TestGateway gateway;
  private static GRPCInferenceServiceBlockingStub service;

  @BeforeAll
  static void start() {
    gateway = TestGateway.start(Map.of("fovea.kserve.enabled", "true"));
    service = GRPCInferenceServiceGrpc.newBlockingStub(gateway.channel());
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  /// One row: the same token over and over.
  private static ModelInferRequest.Builder request(int rows) {
    ByteBuffer ids = ByteBuffer.allocate(rows * TOKENS * 8).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer mask = ByteBuffer.allocate(rows * TOKENS * 8).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < rows * TOKENS; i++) {
      ids.putLong(3 + i / TOKENS);
      mask.putLong(1);
    }
    return ModelInferRequest.newBuilder()
        .setModelName("pico_text")
        .setId("7")
        .addInputs(tensor("input_ids", rows))
        .addInputs(tensor("attention_mask", rows))
        .addRawInputContents(ByteString.copyFrom(ids.flip()))
        .addRawInputContents(ByteString.copyFrom(mask.flip()));
  }

  private static InferInputTensor tensor(String name, long rows) {
    return InferInputTensor.newBuilder()
        .setName(name)
        .setDatatype("INT64")
        .addShape(rows)
        .addShape(TOKENS)
        .build();
  }

  @Test
  void answersRawContentsInTheOrderThatWasAskedFor() {
    ModelInferResponse answer = service.modelInfer(request(3).build());

    assertThat(answer.getModelName()).isEqualTo("pico_text");
    assertThat(answer.getModelVersion()).isEqualTo("1");
    assertThat(answer.getId()).isEqualTo("7");
    assertThat(answer.getOutputs(0).getName()).isEqualTo("text_embedding");
    assertThat(answer.getOutputs(0).getShapeList()).containsExactly(3L, 192L);
    assertThat(answer.getRawOutputContents(0).size()).isEqualTo(3 * 192 * 4);
  }

  @Test
  void typedContentsAreTheSame() {
    ModelInferRequest raw = request(1).build();
    ModelInferRequest.Builder typed = raw.toBuilder().clearRawInputContents();
    for (int i = 0; i < 2; i++) {
      ByteBuffer values =
          raw.getRawInputContents(i).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      InferTensorContents.Builder contents = InferTensorContents.newBuilder();
      while (values.hasRemaining()) {
        contents.addInt64Contents(values.getLong());
      }
      typed.setInputs(i, raw.getInputs(i).toBuilder().setContents(contents));
    }

    assertThat(service.modelInfer(typed.build())).isEqualTo(service.modelInfer(raw));
  }

  @Test
  void requestThatDoesNotFitTheModelIsRefusedWithTheFieldAtFault() {
    Map<String, UnaryOperator<ModelInferRequest.Builder>> faults =
        Map.ofEntries(
            Map.entry("model_name: \"../etc\"", r -> r.setModelName("../etc")),
            Map.entry("raw_input_contents: 1", r -> clearRaw(r, 1)),
            Map.entry("raw_input_contents: 3", r -> r.addRawInputContents(ByteString.EMPTY)),
            Map.entry("inputs[0]: \"0 bytes\"", r -> clearRaw(r, 0)),
            Map.entry("inputs[0].name: \"other\"", r -> set(r, t -> t.setName("other"))),
            Map.entry(
                "inputs[1].name: \"attention_mask\"",
                r ->
                    r.setInputs(0, r.getInputs(1))
                        .setRawInputContents(0, r.getRawInputContents(1))),
            Map.entry("inputs[0].datatype: \"INT32\"", r -> set(r, t -> t.setDatatype("INT32"))),
            Map.entry("inputs[0].shape: [1]", r -> set(r, t -> t.clearShape().addShape(1))),
            Map.entry("inputs[0].shape: [1, -1]", r -> set(r, t -> t.setShape(1, -1))),
            Map.entry("inputs[0].shape: [1,", r -> set(r, t -> t.setShape(1, Long.MAX_VALUE / 2))),
            Map.entry(
                "inputs[0].shape[0]: 0",
                r -> set(r, t -> t.setShape(0, 0)).setRawInputContents(0, ByteString.EMPTY)),
            Map.entry("inputs[0]: \"128 bytes\"", r -> set(r, t -> t.setShape(1, 17))),
            Map.entry(
                "inputs[0].parameters: 1",
                r -> set(r, t -> t.putParameters("shared_memory_region", text("mine")))),
            Map.entry(
                "inputs[0].contents: \"set\"",
                r -> set(r, t -> t.setContents(InferTensorContents.getDefaultInstance()))),
            Map.entry("outputs[0].name: \"other\"", r -> r.addOutputs(output("other"))),
            Map.entry(
                "outputs[1].name: \"text_embedding\"",
                r -> r.addOutputs(output("text_embedding")).addOutputs(output("text_embedding"))),
            Map.entry(
                "outputs[0].parameters: 1",
                r ->
                    r.addOutputs(
                        output("text_embedding").toBuilder()
                            .putParameters("classification", text("3")))),
            Map.entry("parameters.sequence_id", r -> r.putParameters("sequence_id", text("5"))),
            Map.entry("inputs: 0", r -> r.clearInputs().clearRawInputContents()));

    faults.forEach((text, fault) ->
        assertRefused(Status.Code.INVALID_ARGUMENT, text, fault.apply(request(1))));
    assertRefused(Status.Code.INVALID_ARGUMENT, "inputs[0].shape[0]: 65", request(65));
    assertRefused(Status.Code.NOT_FOUND, "no such model", request(1).setModelName("nothing"));
    assertRefused(Status.Code.NOT_FOUND, "no such model", request(1).setModelVersion("2"));
    assertRefused(Status.Code.NOT_FOUND, "no such model", request(1).setModelVersion("-1"));
    assertThat(service.modelInfer(request(1).build()).getOutputsCount()).isEqualTo(1);
  }

  private static ModelInferRequest.Builder clearRaw(ModelInferRequest.Builder request, int left) {
    List<ByteString> raw = request.getRawInputContentsList().subList(0, left);
    return request.clearRawInputContents().addAllRawInputContents(List.copyOf(raw));
  }

  private static ModelInferRequest.Builder set(
      ModelInferRequest.Builder request, UnaryOperator<InferInputTensor.Builder> change) {
    return request.setInputs(0, change.apply(request.getInputs(0).toBuilder()));
  }

  private static InferRequestedOutputTensor output(String name) {
    return InferRequestedOutputTensor.newBuilder().setName(name).build();
  }

  private static InferParameter text(String value) {
    return InferParameter.newBuilder().setStringParam(value).build();
  }

  private static void assertRefused(
      Status.Code code, String text, ModelInferRequest.Builder request) {
    assertThatThrownBy(() -> service.modelInfer(request.build()))
        .as(text)
        .hasMessageContaining(text)
        .satisfies(
            thrown -> assertThat(Status.fromThrowable(thrown).getCode()).as(text).isEqualTo(code));
  }

  @Test
  void hostileNamesReachNoModel() {
    Random random = new Random(1);
    for (int i = 0; i < 200; i++) {
      StringBuilder name = new StringBuilder("../");
      for (int k = random.nextInt(200); k > 0; k--) {
        name.appendCodePoint(random.nextInt(0xD800));
      }
      String hostile = name.toString();
      assertThatThrownBy(() -> service.modelInfer(request(1).setModelName(hostile).build()))
          .satisfies(thrown ->
              assertThat(Status.fromThrowable(thrown).getCode())
                  .isEqualTo(Status.Code.INVALID_ARGUMENT));
    }
  }

  @Test
  void nothingBeyondInferenceIsThere() {
    assertThatThrownBy(() ->
            service.repositoryModelUnload(
                RepositoryModelUnloadRequest.newBuilder().setModelName("pico_text").build()))
        .satisfies(InferenceServiceTest::unimplemented);
    assertThatThrownBy(() ->
            service.systemSharedMemoryStatus(SystemSharedMemoryStatusRequest.getDefaultInstance()))
        .satisfies(InferenceServiceTest::unimplemented);
  }

  @Test
  void protocolIsOffUnlessAnOperatorTurnsItOn() {
    try (TestGateway quiet = TestGateway.start()) {
      assertThatThrownBy(() ->
              GRPCInferenceServiceGrpc.newBlockingStub(quiet.channel())
                  .modelReady(ModelReadyRequest.newBuilder().setName("pico_text").build()))
          .satisfies(InferenceServiceTest::unimplemented);
    }
  }

  private static void unimplemented(Throwable thrown) {
    assertThat(Status.fromThrowable(thrown).getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
  }

  @Test
  void tritonsOwnClientIsServed() throws Exception {
    RealTriton.requireEnvironment();
    Process client =
        new ProcessBuilder(
                "src/test/triton/triton.sh",
                "--python",
                "src/test/triton/kserve_client.py",
                "127.0.0.1:" + gateway.port())
            .redirectErrorStream(true)
            .start();

    String output = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(client.waitFor()).as(output).isZero();
    assertThat(output)
        .isEqualTo(
            """
            server fovea
            inputs attention_mask input_ids
            unknown model StatusCode.NOT_FOUND
            too many rows StatusCode.INVALID_ARGUMENT
            no control StatusCode.UNIMPLEMENTED
            no memory StatusCode.UNIMPLEMENTED
            """);
  }
}
