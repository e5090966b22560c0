package dev.fovea.rpc;

import dev.fovea.generate.Delta;
import dev.fovea.generate.Ending;
import dev.fovea.generate.TokenStream;
import dev.fovea.task.CallRecord;
import dev.fovea.task.GridOnImage;
import dev.fovea.task.TextReader;
import dev.fovea.task.TextRequest;
import dev.fovea.text.Vocabulary;
import dev.fovea.v1.GenerationFinished;
import dev.fovea.v1.GenerationStarted;
import dev.fovea.v1.StreamAnswerResponse;
import dev.fovea.v1.StreamCaptionResponse;
import dev.fovea.v1.TextDelta;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/// A text on its way to a client: the first message before it begins, deltas as fast as the client
/// reads, the last when all of it is out.
///
/// @param <A> how a message is wrapped
final class TextReplies<A> implements TextReader {
  private final StreamCalls.Replies<A> replies;
  private final Parts<A> parts;
  private final Vocabulary vocabulary;
  private final TextRequest wanted;
  private final CallRecord record;
  private final TokenStream text;

  /// Set before the first delta is written.
  private GenerationWriter writer;

  TextReplies(
      StreamCalls.Replies<A> replies,
      Parts<A> parts,
      Vocabulary vocabulary,
      TextRequest wanted,
      CallRecord record,
      LongAdder backlog) {
    this.replies = replies;
    this.parts = parts;
    this.vocabulary = vocabulary;
    this.wanted = wanted;
    this.record = record;
    this.writer = new GenerationWriter(vocabulary, List.of());
    this.text =
        new TokenStream(
            new TokenStream.Reader() {
              @Override
              public boolean isReady() {
                return replies.isReady();
              }

              @Override
              public void read(Delta delta) {
                replies.write(parts.delta().apply(writer.delta(delta)));
              }
            },
            record.call().deadline(),
            backlog);
    replies.whenReady(text::readerIsReady);
  }

  /// How the messages of a stream are wrapped.
  ///
  /// @param <A> the wrapping
  record Parts<A>(
      Function<GenerationStarted, A> started,
      Function<TextDelta, A> delta,
      Function<GenerationFinished, A> finished) {
    static final Parts<StreamCaptionResponse> CAPTION =
        new Parts<>(
            part -> StreamCaptionResponse.newBuilder().setStarted(part).build(),
            part -> StreamCaptionResponse.newBuilder().setDelta(part).build(),
            part -> StreamCaptionResponse.newBuilder().setFinished(part).build());

    static final Parts<StreamAnswerResponse> ANSWER =
        new Parts<>(
            part -> StreamAnswerResponse.newBuilder().setStarted(part).build(),
            part -> StreamAnswerResponse.newBuilder().setDelta(part).build(),
            part -> StreamAnswerResponse.newBuilder().setFinished(part).build());
  }

  /// What generates a text.
  @FunctionalInterface
  interface Generation {
    Ending run(TextReader reader) throws InterruptedException;
  }

  /// Has a text generated.
  ///
  /// @return the last message
  A of(Generation generation) throws InterruptedException {
    try {
      Ending ending = generation.run(this);
      return parts.finished().apply(GenerationWriter.finished(ending, record));
    } finally {
      text.abandon();
    }
  }

  @Override
  public void begin(int promptTokens, List<GridOnImage> grids) {
    writer = new GenerationWriter(vocabulary, grids);
    replies.write(parts.started().apply(writer.started(record, wanted.options(), promptTokens)));
  }

  @Override
  public void read(Delta delta) {
    if (!delta.text().isEmpty() || delta.count() > 0) {
      text.accept(delta);
    }
  }

  @Override
  public void end() throws InterruptedException {
    text.finish();
  }
}
