package dev.fovea.rpc;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.image.ImageLimits;

/// What any call may hold. Told to clients by ModelService.
///
/// @param maxMessageBytes bytes of one request message
/// @param image the largest image
/// @param maxItems items of one call
/// @param maxTextCharacters characters of one text
/// @param maxLabels labels of one call
/// @param maxPrompts labels × prompts × templates of one call
public record RequestLimits(
    int maxMessageBytes,
    ImageLimits image,
    int maxItems,
    int maxTextCharacters,
    int maxLabels,
    int maxPrompts) {
  /// 64 MiB, the image's own defaults, 256 items, 8,192 characters, 4,096 labels, 16,384 prompts.
  public static final RequestLimits DEFAULT =
      new RequestLimits(64 << 20, ImageLimits.DEFAULT, 256, 8192, 4096, 16_384);

  /// Bytes of one chunk of an upload: large enough for few messages, small enough that a slow
  /// client holds little that is not yet counted.
  static final int MAX_CHUNK_BYTES = 1 << 20;

  /// @throws GatewayException with `INVALID_FIELD` when there is none, `TOO_MANY_ITEMS` when there
  ///   are too many
  static void requireCount(String field, long count, long max) {
    if (count == 0) {
      throw GatewayException.invalidField(field, 0, "1 at least");
    }
    if (count > max) {
      throw GatewayException.invalid(Reason.TOO_MANY_ITEMS, field, count, "at most " + max)
          .with("maxItems", max)
          .with("actualItems", count);
    }
  }

  /// @throws GatewayException with `INVALID_FIELD` when the text is empty, `TEXT_TOO_LONG` when it
  ///   is too long
  void requireText(String field, String text) {
    if (text.isEmpty()) {
      throw GatewayException.invalidField(field, text, "1 character at least");
    }
    if (text.length() > maxTextCharacters) {
      throw GatewayException.invalid(
              Reason.TEXT_TOO_LONG,
              field,
              text.length(),
              "at most " + maxTextCharacters + " characters")
          .with("maxCharacters", maxTextCharacters)
          .with("actualCharacters", text.length());
    }
  }
}
