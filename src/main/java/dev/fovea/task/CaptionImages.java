package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.generate.Ending;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Describes images in words.
public final class CaptionImages {
  private final GenerateText generateText;

  public CaptionImages(GenerateText generateText) {
    this.generateText = generateText;
  }

  /// How much is said.
  public enum Style {
    BRIEF,
    DETAILED
  }

  /// Describes each image by itself, all at once: their steps share batches.
  ///
  /// @return one outcome an image, in order
  /// @throws GatewayException when the service could not do its part
  public List<Outcome<GeneratedText>> run(
      ServedFamily family,
      List<Outcome<Content.Image>> images,
      Style style,
      TextRequest request,
      CallRecord record)
      throws InterruptedException {
    generateText.require(family, request, Task.CAPTION);
    try (ExecutorService captions = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<Outcome<GeneratedText>>> work = new ArrayList<>();
      images.forEach(image -> work.add(() -> attempt(family, image, style, request, record)));
      List<Outcome<GeneratedText>> outcomes = new ArrayList<>();
      for (Future<Outcome<GeneratedText>> caption : captions.invokeAll(work)) {
        outcomes.add(caption.get());
      }
      return outcomes;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GatewayException refusal) {
        throw refusal;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private Outcome<GeneratedText> attempt(
      ServedFamily family,
      Outcome<Content.Image> image,
      Style style,
      TextRequest request,
      CallRecord record)
      throws InterruptedException {
    switch (image) {
      case Outcome.Failed<Content.Image>(GatewayException refusal) -> {
        return Outcome.failed(refusal);
      }
      case Outcome.Done<Content.Image>(Content.Image seen) -> {
        try {
          GroundedPrompt prompt =
              generateText.caption(family, seen, style == Style.DETAILED, record);
          return Outcome.done(generateText.whole(family, prompt, request, record));
        } catch (GatewayException refusal) {
          return EncodeItems.itemsOwn(refusal);
        }
      }
    }
  }

  /// Describes one image, token by token.
  ///
  /// @param reader told of the text as it comes
  public Ending stream(
      ServedFamily family,
      Content.Image image,
      Style style,
      TextRequest request,
      CallRecord record,
      TextReader reader)
      throws InterruptedException {
    generateText.require(family, request, Task.CAPTION);
    GroundedPrompt prompt = generateText.caption(family, image, style == Style.DETAILED, record);
    return generateText.stream(family, prompt, request, record, reader);
  }
}
