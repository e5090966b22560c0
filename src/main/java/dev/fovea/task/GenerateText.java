package dev.fovea.task;

import static java.util.Objects.requireNonNull;

import dev.fovea.admission.CpuGate;
import dev.fovea.engine.Lease;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.generate.BeamSearch;
import dev.fovea.generate.Constraint;
import dev.fovea.generate.Constraints;
import dev.fovea.generate.Delta;
import dev.fovea.generate.Ending;
import dev.fovea.generate.GenerationOptions.Relevance;
import dev.fovea.generate.Generator;
import dev.fovea.generate.Prompt;
import dev.fovea.generate.Terms;
import dev.fovea.image.ImageProcessor;
import dev.fovea.model.Decoding;
import dev.fovea.model.Interaction;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.Stage;
import dev.fovea.telemetry.StageTimings;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.text.ChatTemplate;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/// Makes texts about images with a family's decoder: look at the images, make the prompt, generate.
public final class GenerateText {
  /// The decoder's input that says which patches are of an image.
  private static final String MASK = "patch_mask";

  private final SeeImages seeImages;
  private final CpuGate cpu;
  private final Constraints constraints = new Constraints();
  private final AtomicInteger underWay = new AtomicInteger();
  private final LongAdder backlog = new LongAdder();
  private final LongAdder tokens = new LongAdder();
  private final LongAdder gone = new LongAdder();
  private final LongAdder slow = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final Map<Ending.Reason, LongAdder> endings = new EnumMap<>(Ending.Reason.class);

  public GenerateText(SeeImages seeImages, CpuGate cpu) {
    this.seeImages = seeImages;
    this.cpu = cpu;
    for (Ending.Reason reason : Ending.Reason.values()) {
      endings.put(reason, new LongAdder());
    }
  }

  /// How texts have ended so far; for counters.
  ///
  /// @param finished by why they ended
  /// @param tokens of all texts
  /// @param gone because the caller has gone
  /// @param slow because the client did not read
  /// @param failed for any other reason
  public record Counts(
      Map<Ending.Reason, Long> finished, long tokens, long gone, long slow, long failed) {}

  public Counts counts() {
    Map<Ending.Reason, Long> finished = new EnumMap<>(Ending.Reason.class);
    endings.forEach((reason, count) -> finished.put(reason, count.sum()));
    return new Counts(finished, tokens.sum(), gone.sum(), slow.sum(), failed.sum());
  }

  /// Texts under way; for gauges.
  public int underWay() {
    return underWay.get();
  }

  /// Deltas of streams that wait for their clients; for gauges, and kept up to date by the streams.
  public LongAdder backlog() {
    return backlog;
  }

  /// The prompt for a caption of one image.
  GroundedPrompt caption(
      ServedFamily family, Content.Image image, boolean detailed, CallRecord record)
      throws InterruptedException {
    Map<String, Object> variables =
        Map.of("task", "caption", "detailed", detailed, "add_generation_prompt", true);
    long[] ids = encode(family, List.of(), variables, record);
    return prompt(family, ids, List.of(image), record);
  }

  /// The prompt for the answer to a conversation.
  GroundedPrompt conversation(ServedFamily family, Conversation conversation, CallRecord record)
      throws InterruptedException {
    long[] ids = conversationIds(family, conversation, record);
    return prompt(family, ids, conversation.images(), record);
  }

  /// The tokens of a conversation; nothing is looked at.
  long[] conversationIds(ServedFamily family, Conversation conversation, CallRecord record)
      throws InterruptedException {
    Decoding decoding = decoding(family);
    int images = conversation.images().size();
    if (images > decoding.maxImages()) {
      throw GatewayException.invalid(
              Reason.TOO_MANY_ITEMS, "turns", images + " images", "at most " + decoding.maxImages())
          .with("maxItems", decoding.maxImages())
          .with("actualItems", images);
    }
    List<ChatTemplate.Message> messages = new ArrayList<>();
    for (Conversation.Turn turn : conversation.turns()) {
      messages.add(
          new ChatTemplate.Message(
              turn.speaker() == Conversation.Speaker.USER ? "user" : "assistant", turn.text()));
    }
    return encode(family, messages, Map.of("add_generation_prompt", true), record);
  }

  private long[] encode(
      ServedFamily family,
      List<ChatTemplate.Message> messages,
      Map<String, Object> variables,
      CallRecord record)
      throws InterruptedException {
    Decoding decoding = decoding(family);
    long[] ids =
        cpu.run(
            record.call().deadline(),
            0,
            record.timings(),
            () -> {
              try (StageTimings.Span _ = record.timings().start(Stage.TOKENIZE)) {
                return decoding.prompts().encode(messages, variables);
              }
            });
    record.text(ids.length);
    if (ids.length >= decoding.contextLength()) {
      throw GatewayException.invalid(
              Reason.TEXT_TOO_LONG,
              "turns",
              ids.length + " tokens",
              "fewer than " + decoding.contextLength() + ", the model's context")
          .with("maxTokens", decoding.contextLength() - 1)
          .with("actualTokens", ids.length);
    }
    return ids;
  }

  static Decoding decoding(ServedFamily family) {
    return family.lease(Role.DECODER).model().decoding().orElseThrow();
  }

  private GroundedPrompt prompt(
      ServedFamily family, long[] ids, List<Content.Image> images, CallRecord record)
      throws InterruptedException {
    ServableModel decoder = family.lease(Role.DECODER).model();
    List<ImageFeatures> seen = new ArrayList<>();
    for (Content.Image image : images) {
      seen.add(seeImages.run(family, decoder.imageFeatures(), image, record));
    }
    Map<String, Tensor> inputs = new HashMap<>();
    inputs.put(
        decoder.imageFeaturesInput(), joined(seen.stream().map(ImageFeatures::features).toList()));
    if (decoder.signature().input(MASK).isPresent()) {
      inputs.put(MASK, joined(seen.stream().map(f -> f.mask().orElseThrow()).toList()));
    }
    return grounded(ids, inputs, seen);
  }

  private static GroundedPrompt grounded(
      long[] ids, Map<String, Tensor> inputs, List<ImageFeatures> seen) {
    List<GridOnImage> grids = seen.stream().flatMap(image -> image.grid().stream()).toList();
    if (grids.size() < seen.size()) {
      return new GroundedPrompt(new Prompt(ids, inputs, List.of()), List.of());
    }
    List<Prompt.Patches> patches = new ArrayList<>();
    int from = 0;
    for (int image = 0; image < seen.size(); image++) {
      patches.add(new Prompt.Patches(from, grids.get(image).cells()));
      from += Math.toIntExact(seen.get(image).features().shape().extent(0));
    }
    return new GroundedPrompt(new Prompt(ids, inputs, patches), grids);
  }

  /// The rows of several tensors as one tensor: the images of a conversation one after the other.
  private static Tensor joined(List<Tensor> tensors) {
    Tensor first = tensors.getFirst();
    if (tensors.size() == 1) {
      return first;
    }
    long[] extents = first.shape().toArray();
    extents[0] = tensors.stream().mapToLong(tensor -> tensor.shape().extent(0)).sum();
    Tensor joined = Tensor.zeros(first.type(), Shape.of(extents));
    long at = 0;
    for (Tensor tensor : tensors) {
      long size = tensor.data().byteSize();
      MemorySegment.copy(tensor.data(), 0, joined.data(), at, size);
      at += size;
    }
    return joined;
  }

  /// Generates, and tells the text as it comes.
  Ending stream(
      ServedFamily family,
      GroundedPrompt prompt,
      TextRequest request,
      CallRecord record,
      TextReader reader)
      throws InterruptedException {
    Lease decoder = family.lease(Role.DECODER);
    record.used(decoder.model(), family.kind());
    reader.begin(prompt.length(), prompt.told(request));
    return counted(
        record,
        () -> {
          TextRequest unscored = new TextRequest(request.options().unscored(), request.rule());
          Ending ending = generate(decoder, prompt.prompt(), unscored, record, reader::read);
          reader.end();
          return ending;
        });
  }

  private Ending generate(
      Lease decoder, Prompt prompt, TextRequest request, CallRecord record, Consumer<Delta> reader)
      throws InterruptedException {
    Optional<Constraint> constraint = constraint(decoder.model(), request);
    return Generator.run(decoder, prompt, request.options(), constraint, terms(record), reader);
  }

  /// Generates the whole text.
  GeneratedText whole(
      ServedFamily family, GroundedPrompt prompt, TextRequest request, CallRecord record)
      throws InterruptedException {
    Lease decoder = family.lease(Role.DECODER);
    record.used(decoder.model(), family.kind());
    if (request.options().beams() > 1) {
      return searched(decoder, prompt.prompt(), request, record);
    }
    List<Delta> deltas = new ArrayList<>();
    Ending ending =
        counted(record, () -> generate(decoder, prompt.prompt(), request, record, deltas::add));
    Delta all = deltas.stream().reduce(new Delta("", List.of(), 0), Delta::then);
    return new GeneratedText(all, ending, prompt.length(), prompt.told(request));
  }

  private GeneratedText searched(
      Lease decoder, Prompt prompt, TextRequest request, CallRecord record)
      throws InterruptedException {
    Decoding decoding = decoder.model().decoding().orElseThrow();
    StringBuilder text = new StringBuilder();
    Ending ending =
        counted(
            record,
            () -> {
              BeamSearch.Found found =
                  BeamSearch.run(decoder, prompt, request.options(), terms(record));
              text.append(found.text(decoding));
              return new Ending(
                  found.ended() ? Ending.Reason.STOP : Ending.Reason.LENGTH,
                  "",
                  found.count(),
                  found.logProbability());
            });
    return new GeneratedText(
        new Delta(text.toString(), List.of(), ending.tokens()), ending, prompt.length(), List.of());
  }

  /// What the engine is asked under.
  static Terms terms(CallRecord record) {
    return new Terms(record.call().deadline(), record.call().criticality(), record.timings());
  }

  @FunctionalInterface
  private interface Work {
    Ending run() throws InterruptedException;
  }

  private Ending counted(CallRecord record, Work work) throws InterruptedException {
    underWay.incrementAndGet();
    try {
      Ending ending = work.run();
      requireNonNull(endings.get(ending.reason())).increment();
      tokens.add(ending.tokens());
      record.generated(ending.tokens());
      return ending;
    } catch (InterruptedException e) {
      gone.increment();
      throw e;
    } catch (GatewayException e) {
      (e.reason() == Reason.SLOW_CONSUMER ? slow : failed).increment();
      throw e;
    } finally {
      underWay.decrementAndGet();
    }
  }

  /// Checks, before anything is looked at, that the family can do what is asked.
  ///
  /// @throws GatewayException with `CONSTRAINT_NOT_SUPPORTED`, `CONSTRAINT_TOO_COMPLEX`,
  ///   `TASK_NOT_SUPPORTED` or `INVALID_FIELD`
  void require(ServedFamily family, TextRequest request, Task task) {
    Lease decoder = family.lease(Role.DECODER);
    if (request.options().beams() > 1 && !decoder.forksSequences()) {
      throw unable(decoder.model(), "beam search", task);
    }
    if (request.options().relevance() == Relevance.TOLD && !tellsRelevance(family)) {
      throw GatewayException.invalidField(
          "options.relevance",
          "true",
          "false: " + decoder.model().name() + " does not tell where it looks");
    }
    Optional<Constraint> _ = constraint(decoder.model(), request);
  }

  /// Whether tokens can come with where on the images the decoder looked.
  public static boolean tellsRelevance(ServedFamily family) {
    return Generator.tellsRelevance(family.lease(Role.DECODER).model())
        && family.family().member(Role.VISION).flatMap(ServableModel::imageProcessor).stream()
            .anyMatch(ImageProcessor::tellsGrid);
  }

  static GatewayException unable(ServableModel model, String what, Task task) {
    return new GatewayException(
            Reason.TASK_NOT_SUPPORTED, model.name() + " is not served with " + what)
        .with("model", model.name())
        .with("task", task.name());
  }

  private Optional<Constraint> constraint(ServableModel model, TextRequest request) {
    if (request.rule().isEmpty()) {
      return Optional.empty();
    }
    if (model.signature().interaction() == Interaction.DECOUPLED) {
      throw new GatewayException(
              Reason.CONSTRAINT_NOT_SUPPORTED,
              model.name() + " generates by itself and cannot be held to anything")
          .with("model", model.name())
          .with("constraint", "constraint");
    }
    Decoding decoding = model.decoding().orElseThrow();
    return request.rule().map(rule -> constraints.compile(rule, decoding.vocabulary()));
  }
}
