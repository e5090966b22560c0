package dev.fovea.generate;

import dev.fovea.text.Vocabulary;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/// Tokens back to text, as they come: whole characters alone leave it. Bytes that are no UTF-8
/// become U+FFFD; a character that never gets whole is never sent. The blank that the tokenizer
/// puts before a text's first word is left out. For one text, of one thread.
final class Detokenizer {
  private final Vocabulary vocabulary;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);

  /// Bytes of a character that is not whole yet: three at most.
  private byte[] pending = new byte[0];

  private boolean atStart;

  Detokenizer(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    this.atStart = vocabulary.prefixSpace();
  }

  /// The characters that are whole now.
  String add(int token) {
    byte[] more = vocabulary.bytes(token);
    ByteBuffer bytes = ByteBuffer.allocate(pending.length + more.length).put(pending).put(more);
    bytes.flip();
    CharBuffer characters = CharBuffer.allocate(bytes.remaining());
    decoder.decode(bytes, characters, false);
    pending = new byte[bytes.remaining()];
    bytes.get(pending);
    String text = characters.flip().toString();
    if (atStart && !text.isEmpty()) {
      atStart = false;
      return text.startsWith(" ") ? text.substring(1) : text;
    }
    return text;
  }
}
