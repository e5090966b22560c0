package dev.fovea.rpc;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.generate.ChoiceScores;
import dev.fovea.kernel.Activations;
import dev.fovea.model.Decoding;
import dev.fovea.model.Role;
import dev.fovea.rpc.GenerationReader.Beams;
import dev.fovea.rpc.TextReplies.Parts;
import dev.fovea.task.AnswerQuestion;
import dev.fovea.task.CallRecord;
import dev.fovea.task.CaptionImages;
import dev.fovea.task.Content;
import dev.fovea.task.Conversation;
import dev.fovea.task.GeneratedText;
import dev.fovea.task.Task;
import dev.fovea.task.TextRequest;
import dev.fovea.v1.AnswerRequest;
import dev.fovea.v1.AnswerResponse;
import dev.fovea.v1.CaptionRequest;
import dev.fovea.v1.CaptionResponse;
import dev.fovea.v1.CaptionResult;
import dev.fovea.v1.ChoiceScore;
import dev.fovea.v1.Constraint;
import dev.fovea.v1.CountTokensRequest;
import dev.fovea.v1.CountTokensResponse;
import dev.fovea.v1.GenerationOptions;
import dev.fovea.v1.GenerationServiceGrpc;
import dev.fovea.v1.Item;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.ScoreChoicesRequest;
import dev.fovea.v1.ScoreChoicesResponse;
import dev.fovea.v1.StreamAnswerRequest;
import dev.fovea.v1.StreamAnswerResponse;
import dev.fovea.v1.StreamCaptionRequest;
import dev.fovea.v1.StreamCaptionResponse;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// `fovea.v1.GenerationService`.
final class GenerationRpc extends GenerationServiceGrpc.GenerationServiceImplBase {
  private static final Set<Task> CAPTION = EnumSet.of(Task.CAPTION);
  private static final Set<Task> ANSWER = EnumSet.of(Task.ANSWER);

  private final Services services;
  private final CaptionImages captionImages;
  private final AnswerQuestion answerQuestion;
  private final ItemReader items;
  private final GenerationReader reader;

  GenerationRpc(Services services) {
    this.services = services;
    this.captionImages = new CaptionImages(services.generateText());
    this.answerQuestion = new AnswerQuestion(services.generateText());
    this.items = services.itemReader();
    this.reader = new GenerationReader(services.limits(), services.imageReader());
  }

  private ServedFamily family(ModelSelector selector, Set<Task> tasks) {
    return services.catalog().get().select(SelectorReader.read(selector), tasks);
  }

  /// What a call wants of which family.
  private record Wanted(ServedFamily family, TextRequest text) {}

  private Wanted wanted(
      ModelSelector selector,
      Set<Task> tasks,
      GenerationOptions options,
      @Nullable Constraint constraint,
      Beams beams) {
    ServedFamily family = family(selector, tasks);
    return new Wanted(
        family, GenerationReader.request(options, constraint, decoding(family), beams));
  }

  private static Decoding decoding(ServedFamily family) {
    return family.lease(Role.DECODER).model().decoding().orElseThrow();
  }

  private static dev.fovea.v1.GeneratedText write(ServedFamily family, GeneratedText text) {
    return new GenerationWriter(decoding(family).vocabulary(), text.grids()).text(text);
  }

  @Override
  public void caption(CaptionRequest request, StreamObserver<CaptionResponse> observer) {
    UnaryCalls.serve(
        observer,
        call -> services.admit(call, request.getItemsCount(), record -> caption(request, record)));
  }

  private CaptionResponse caption(CaptionRequest request, CallRecord record)
      throws InterruptedException {
    RequestLimits.requireCount("items", request.getItemsCount(), services.limits().maxItems());
    Wanted wanted =
        wanted(
            request.getModel(),
            CAPTION,
            request.getOptions(),
            request.hasConstraint() ? request.getConstraint() : null,
            Beams.ALLOWED);
    List<Outcome<GeneratedText>> captions =
        captionImages.run(
            wanted.family(),
            images(request, record),
            GenerationReader.style(request.getStyle(), request.getStyleValue()),
            wanted.text(),
            record);
    CaptionResponse.Builder response =
        CaptionResponse.newBuilder()
            .setEffectiveOptions(GenerationWriter.options(wanted.text().options()));
    for (int i = 0; i < captions.size(); i++) {
      Item item = request.getItems(i);
      CaptionResult.Builder result = CaptionResult.newBuilder().setIndex(i).setId(item.getId());
      switch (captions.get(i)) {
        case Outcome.Done<GeneratedText>(GeneratedText text) ->
            result.setCaption(write(wanted.family(), text));
        case Outcome.Failed<GeneratedText>(GatewayException refusal) ->
            result.setError(
                ReplyWriter.itemError(
                    ItemReader.locate(refusal, item).under("items[" + i + "]"), record));
      }
      response.addResults(result);
    }
    return response.setCallInfo(ReplyWriter.callInfo(record)).build();
  }

  private List<Outcome<Content.Image>> images(CaptionRequest request, CallRecord record) {
    List<Outcome<Content.Image>> images = new ArrayList<>();
    for (Outcome<Content> content : items.read(request.getItemsList(), record.call().caller())) {
      images.add(
          content.then(c ->
              switch (c) {
                case Content.Image image -> image;
                case Content.Text _ ->
                    throw GatewayException.invalidField("content", "a text", "an image");
              }));
    }
    return images;
  }

  @Override
  public void streamCaption(
      StreamCaptionRequest request, StreamObserver<StreamCaptionResponse> observer) {
    stream(
        observer,
        Parts.CAPTION,
        record -> {
          Wanted wanted =
              wanted(
                  request.getModel(),
                  CAPTION,
                  request.getOptions(),
                  request.hasConstraint() ? request.getConstraint() : null,
                  Beams.REFUSED);
          CaptionImages.Style style =
              GenerationReader.style(request.getStyle(), request.getStyleValue());
          Content.Image image = reader.image(request.getImage(), record.call().caller());
          return new Streaming(
              wanted,
              text -> {
                try {
                  return captionImages.stream(
                      wanted.family(), image, style, wanted.text(), record, text);
                } catch (GatewayException refusal) {
                  throw located(refusal, request);
                }
              });
        });
  }

  /// A refusal that looking at the image had.
  private static GatewayException located(GatewayException refusal, StreamCaptionRequest request) {
    boolean ours =
        switch (refusal.reason().kind()) {
          case INVALID, NOT_FOUND ->
              refusal.violations().stream()
                  .noneMatch(
                      v -> v.field().startsWith("options") || v.field().startsWith("constraint"));
          default -> false;
        };
    return ours ? ImageReader.locate(refusal, request.getImage()).under("image") : refusal;
  }

  @Override
  public void answer(AnswerRequest request, StreamObserver<AnswerResponse> observer) {
    UnaryCalls.serve(observer, call -> services.admit(call, 1, record -> answer(request, record)));
  }

  private AnswerResponse answer(AnswerRequest request, CallRecord record)
      throws InterruptedException {
    Wanted wanted =
        wanted(
            request.getModel(),
            ANSWER,
            request.getOptions(),
            request.hasConstraint() ? request.getConstraint() : null,
            Beams.REFUSED);
    Conversation conversation = reader.conversation(request.getTurnsList(), record.call().caller());
    GeneratedText answer = answerQuestion.run(wanted.family(), conversation, wanted.text(), record);
    return AnswerResponse.newBuilder()
        .setAnswer(write(wanted.family(), answer))
        .setEffectiveOptions(GenerationWriter.options(wanted.text().options()))
        .setCallInfo(ReplyWriter.callInfo(record))
        .build();
  }

  @Override
  public void streamAnswer(
      StreamAnswerRequest request, StreamObserver<StreamAnswerResponse> observer) {
    stream(
        observer,
        Parts.ANSWER,
        record -> {
          Wanted wanted =
              wanted(
                  request.getModel(),
                  ANSWER,
                  request.getOptions(),
                  request.hasConstraint() ? request.getConstraint() : null,
                  Beams.REFUSED);
          Conversation conversation =
              reader.conversation(request.getTurnsList(), record.call().caller());
          return new Streaming(
              wanted,
              text ->
                  answerQuestion.stream(
                      wanted.family(), conversation, wanted.text(), record, text));
        });
  }

  /// A text that is about to be streamed.
  private record Streaming(Wanted wanted, TextReplies.Generation generation) {}

  private <A> void stream(
      StreamObserver<A> observer, Parts<A> parts, Function<CallRecord, Streaming> reading) {
    StreamCalls.<A>serve(
        observer,
        (call, replies) ->
            services.admit(
                call,
                1,
                record -> {
                  Streaming streaming = reading.apply(record);
                  Wanted wanted = streaming.wanted();
                  return new TextReplies<>(
                          replies,
                          parts,
                          decoding(wanted.family()).vocabulary(),
                          wanted.text(),
                          record,
                          services.generateText().backlog())
                      .of(streaming.generation());
                }));
  }

  @Override
  public void scoreChoices(
      ScoreChoicesRequest request, StreamObserver<ScoreChoicesResponse> observer) {
    UnaryCalls.serve(
        observer, call -> services.admit(call, 1, record -> scoreChoices(request, record)));
  }

  private ScoreChoicesResponse scoreChoices(ScoreChoicesRequest request, CallRecord record)
      throws InterruptedException {
    ServedFamily family = family(request.getModel(), ANSWER);
    List<String> choices = GenerationReader.choices("choices", request.getChoices());
    Conversation conversation = reader.conversation(request.getTurnsList(), record.call().caller());
    List<ChoiceScores.Score> scores = answerQuestion.score(family, conversation, choices, record);
    double[] means =
        scores.stream().mapToDouble(score -> score.logLikelihood() / score.tokens()).toArray();
    double[] probabilities = Activations.softmax(means);
    ScoreChoicesResponse.Builder response = ScoreChoicesResponse.newBuilder();
    for (int i = 0; i < choices.size(); i++) {
      response.addScores(
          ChoiceScore.newBuilder()
              .setValue(choices.get(i))
              .setLogLikelihood((float) scores.get(i).logLikelihood())
              .setTokenCount(scores.get(i).tokens())
              .setProbability((float) probabilities[i]));
    }
    return response.setCallInfo(ReplyWriter.callInfo(record)).build();
  }

  @Override
  public void countTokens(
      CountTokensRequest request, StreamObserver<CountTokensResponse> observer) {
    UnaryCalls.serve(
        observer, call -> services.admit(call, 1, record -> countTokens(request, record)));
  }

  private CountTokensResponse countTokens(CountTokensRequest request, CallRecord record)
      throws InterruptedException {
    ServedFamily family = family(request.getModel(), ANSWER);
    Conversation conversation = reader.conversation(request.getTurnsList(), record.call().caller());
    return CountTokensResponse.newBuilder()
        .setTextTokens(answerQuestion.countTokens(family, conversation, record))
        .setContextLength(decoding(family).contextLength())
        .build();
  }
}
