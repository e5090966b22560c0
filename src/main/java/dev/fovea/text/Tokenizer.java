package dev.fovea.text;

import dev.fovea.failure.GatewayException;

/// Turns text into the token ids that a model was trained on, exactly as its reference tokenizer
/// does. Deterministic, thread-safe.
///
/// Text that spells a special token is encoded as the plain characters it is made of: what a caller
/// writes can never act as a control token.
public interface Tokenizer extends AutoCloseable {
  /// Encodes one text.
  ///
  /// @throws GatewayException with `TEXT_TOO_LONG` when there are more than [#maxTokens] and
  ///   truncation is [Truncation#ERROR]
  Encoding encode(String text, Truncation truncation);

  /// Encodes a part of a text: no special tokens around it, and none cut off.
  long[] pieces(String text);

  /// What each token stands for. Read anew with each call: to be kept by whoever needs it.
  ///
  /// @throws dev.fovea.failure.FaultyConfigurationException when tokens are not made of bytes
  Vocabulary vocabulary();

  /// Most tokens that the model reads, special ones among them.
  int maxTokens();

  /// The id that fills a row behind its last token.
  long padId();

  /// Everything that the ids depend on, as one canonical line: the preprocessing digest is made of
  /// it.
  String specification();

  @Override
  void close();
}
