package dev.fovea.task;

import dev.fovea.engine.Lease;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.generate.ChoiceScores;
import dev.fovea.generate.Ending;
import dev.fovea.model.Decoding;
import dev.fovea.model.Interaction;
import dev.fovea.model.Role;
import java.util.ArrayList;
import java.util.List;

/// Answers questions about images, or weighs answers to them.
public final class AnswerQuestion {
  private final GenerateText generateText;

  public AnswerQuestion(GenerateText generateText) {
    this.generateText = generateText;
  }

  /// Answers the last turn.
  public GeneratedText run(
      ServedFamily family, Conversation conversation, TextRequest request, CallRecord record)
      throws InterruptedException {
    generateText.require(family, request, Task.ANSWER);
    GroundedPrompt prompt = generateText.conversation(family, conversation, record);
    return generateText.whole(family, prompt, request, record);
  }

  /// Answers the last turn, token by token.
  ///
  /// @param reader told of the answer as it comes
  public Ending stream(
      ServedFamily family,
      Conversation conversation,
      TextRequest request,
      CallRecord record,
      TextReader reader)
      throws InterruptedException {
    generateText.require(family, request, Task.ANSWER);
    GroundedPrompt prompt = generateText.conversation(family, conversation, record);
    return generateText.stream(family, prompt, request, record, reader);
  }

  /// How likely each of some answers to the last turn is.
  ///
  /// @throws GatewayException with `TEXT_TOO_LONG` when one is longer than the context has room for
  public List<ChoiceScores.Score> score(
      ServedFamily family, Conversation conversation, List<String> choices, CallRecord record)
      throws InterruptedException {
    Lease decoder = family.lease(Role.DECODER);
    if (decoder.model().signature().interaction() == Interaction.DECOUPLED) {
      throw GenerateText.unable(decoder.model(), "its probabilities", Task.ANSWER);
    }
    GroundedPrompt prompt = generateText.conversation(family, conversation, record);
    Decoding decoding = GenerateText.decoding(family);
    int room = decoding.contextLength() - prompt.length();
    List<long[]> tokens = new ArrayList<>();
    for (int i = 0; i < choices.size(); i++) {
      long[] ids = decoder.model().tokenizer().orElseThrow().pieces(choices.get(i));
      if (ids.length > room) {
        throw GatewayException.invalid(
                Reason.TEXT_TOO_LONG,
                "choices.values[" + i + "]",
                ids.length + " tokens",
                "at most " + room)
            .with("maxTokens", room)
            .with("actualTokens", ids.length);
      }
      tokens.add(ids);
    }
    record.used(decoder.model(), family.kind());
    return ChoiceScores.of(decoder, prompt.prompt(), tokens, GenerateText.terms(record));
  }

  /// The tokens of a conversation. No model runs.
  public int countTokens(ServedFamily family, Conversation conversation, CallRecord record)
      throws InterruptedException {
    return generateText.conversationIds(family, conversation, record).length;
  }
}
