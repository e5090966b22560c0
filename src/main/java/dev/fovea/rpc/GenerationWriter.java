package dev.fovea.rpc;

import com.google.protobuf.ByteString;
import dev.fovea.generate.Delta;
import dev.fovea.generate.Ending;
import dev.fovea.generate.GenerationOptions;
import dev.fovea.task.CallRecord;
import dev.fovea.task.GridOnImage;
import dev.fovea.text.Vocabulary;
import dev.fovea.v1.EffectiveOptions;
import dev.fovea.v1.FinishReason;
import dev.fovea.v1.GeneratedText;
import dev.fovea.v1.GeneratedToken;
import dev.fovea.v1.GenerationFinished;
import dev.fovea.v1.GenerationStarted;
import dev.fovea.v1.GridGeometry;
import dev.fovea.v1.TextDelta;
import dev.fovea.v1.TokenAlternative;
import java.util.List;

/// Writes texts that were generated.
///
/// @param vocabulary of the model that generated them
/// @param grids how each image's relevance lies on it; empty when that is not wanted
record GenerationWriter(Vocabulary vocabulary, List<GridOnImage> grids) {
  static EffectiveOptions options(GenerationOptions options) {
    GenerationOptions.Sampling sampling = options.sampling();
    return EffectiveOptions.newBuilder()
        .setMaxTokens(options.maxTokens())
        .setMinTokens(options.minTokens())
        .setTemperature((float) sampling.temperature())
        .setTopK(sampling.topK())
        .setTopP((float) sampling.topP())
        .setMinP((float) sampling.minP())
        .setRepetitionPenalty((float) sampling.repetitionPenalty())
        .setSeed(sampling.temperature() == 0 ? 0 : sampling.seed())
        .setBeams(options.beams())
        .build();
  }

  GenerationStarted started(CallRecord record, GenerationOptions options, int promptTokens) {
    GenerationStarted.Builder started =
        GenerationStarted.newBuilder()
            .setRequestId(record.call().requestId())
            .setEffectiveOptions(options(options))
            .setPromptTokens(promptTokens)
            .addAllRelevanceGeometries(geometries());
    record
        .models()
        .forEach(used -> started.addModels(ReplyWriter.modelRef(used.model(), used.kind())));
    return started.build();
  }

  private List<GridGeometry> geometries() {
    return grids.stream().map(GridWriter::geometry).toList();
  }

  TextDelta delta(Delta delta) {
    TextDelta.Builder written =
        TextDelta.newBuilder().setText(delta.text()).setTokenCount(delta.count());
    delta.tokens().forEach(token -> written.addTokens(token(token)));
    return written.build();
  }

  private GeneratedToken token(Delta.Token token) {
    GeneratedToken.Builder written =
        GeneratedToken.newBuilder()
            .setId(token.id())
            .setContent(content(token))
            .setLogProbability((float) token.logProbability());
    for (Delta.Token other : token.alternatives()) {
      written.addAlternatives(
          TokenAlternative.newBuilder()
              .setId(other.id())
              .setContent(content(other))
              .setLogProbability((float) other.logProbability()));
    }
    for (int image = 0; image < token.relevance().size(); image++) {
      written.addRelevance(GridWriter.map(grids.get(image), token.relevance().get(image)));
    }
    return written.build();
  }

  private ByteString content(Delta.Token token) {
    return ByteString.copyFrom(vocabulary.bytes(token.id()));
  }

  static GenerationFinished finished(Ending ending, CallRecord record) {
    return GenerationFinished.newBuilder()
        .setFinishReason(reason(ending))
        .setMatchedStop(ending.matchedStop())
        .setCallInfo(ReplyWriter.callInfo(record))
        .build();
  }

  GeneratedText text(dev.fovea.task.GeneratedText text) {
    GeneratedText.Builder written =
        GeneratedText.newBuilder()
            .setText(text.content().text())
            .setFinishReason(reason(text.ending()))
            .setMatchedStop(text.ending().matchedStop())
            .setTokenCount(text.ending().tokens())
            .setLogProbability((float) text.ending().logProbability())
            .setPromptTokens(text.promptTokens())
            .addAllRelevanceGeometries(geometries());
    text.content().tokens().forEach(token -> written.addTokens(token(token)));
    return written.build();
  }

  private static FinishReason reason(Ending ending) {
    return switch (ending.reason()) {
      case STOP -> FinishReason.FINISH_REASON_STOP;
      case LENGTH -> FinishReason.FINISH_REASON_LENGTH;
      case STOP_STRING -> FinishReason.FINISH_REASON_STOP_STRING;
      case DEADLINE -> FinishReason.FINISH_REASON_DEADLINE;
    };
  }
}
