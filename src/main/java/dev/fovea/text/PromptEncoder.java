package dev.fovea.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Turns a conversation into the ids that a decoder reads: renders the template, takes the special
/// tokens that the template wrote as the tokens they are, and encodes what stands between them.
///
/// Special tokens in what a caller says are not special: such text is marked, character by
/// character, before the template sees it, so that no special token can be read out of it, not even
/// together with what the template puts around it; the marks are taken out before it is encoded.
/// The mark is a code point that is no character (U+FDD0), which callers' texts are freed of first.
public final class PromptEncoder {
  private static final char MARK = '\uFDD0';

  private final ChatTemplate template;
  private final Tokenizer tokenizer;
  private final Map<String, Integer> special;
  private final List<String> specialByLength;

  public PromptEncoder(ChatTemplate template, Tokenizer tokenizer, Vocabulary vocabulary) {
    this.template = template;
    this.tokenizer = tokenizer;
    this.special = vocabulary.special();
    this.specialByLength = vocabulary.specialByLength();
  }

  /// @param messages what was said; not trusted
  /// @param variables for the template; trusted
  public long[] encode(List<ChatTemplate.Message> messages, Map<String, Object> variables) {
    List<ChatTemplate.Message> marked = new ArrayList<>();
    for (ChatTemplate.Message message : messages) {
      marked.add(new ChatTemplate.Message(message.role(), mark(message.content())));
    }
    return split(template.render(marked, new HashMap<>(variables)));
  }

  /// Puts the mark into every place at which a special token could begin or end, or that lies
  /// inside one: between characters of which one is part of a special token's spelling.
  private String mark(String text) {
    String clean = text.replace(MARK, '\uFFFD');
    StringBuilder marked = new StringBuilder(clean.length() + 16);
    marked.append(MARK);
    for (int i = 0; i < clean.length(); i++) {
      marked.append(clean.charAt(i));
      if (beginsSpecial(clean, i)) {
        marked.append(MARK);
      }
    }
    return marked.append(MARK).toString();
  }

  private boolean beginsSpecial(String text, int at) {
    for (String token : specialByLength) {
      if (text.startsWith(token, at)) {
        return true;
      }
    }
    return false;
  }

  /// A text without its marks.
  static String unmarked(String text) {
    return text.indexOf(MARK) < 0 ? text : text.replace(String.valueOf(MARK), "");
  }

  /// A text without blanks at one end or both; marks at its ends stay.
  static String trimmed(String text, boolean left, boolean right) {
    int from = 0;
    int to = text.length();
    while (left && from < to && isBlankOrMark(text.charAt(from))) {
      from++;
    }
    while (right && to > from && isBlankOrMark(text.charAt(to - 1))) {
      to--;
    }
    boolean marked = text.indexOf(MARK) >= 0;
    return marked ? MARK + text.substring(from, to) + MARK : text.substring(from, to);
  }

  private static boolean isBlankOrMark(char c) {
    return c == MARK || Character.isWhitespace(c);
  }

  private long[] split(String rendered) {
    long[] ids = new long[rendered.length() + 1];
    int count = 0;
    int from = 0;
    int at = 0;
    while (at <= rendered.length()) {
      String found = at < rendered.length() ? specialAt(rendered, at) : "";
      if (found.isEmpty() && at < rendered.length()) {
        at++;
        continue;
      }
      long[] pieces = tokenizer.pieces(unmarked(rendered.substring(from, at)));
      int more = pieces.length + (found.isEmpty() ? 0 : 1);
      ids = ids.length < count + more ? Arrays.copyOf(ids, 2 * (count + more)) : ids;
      System.arraycopy(pieces, 0, ids, count, pieces.length);
      count += pieces.length;
      if (found.isEmpty()) {
        break;
      }
      ids[count++] = special.getOrDefault(found, 0);
      at += found.length();
      from = at;
    }
    return Arrays.copyOf(ids, count);
  }

  private String specialAt(String text, int at) {
    for (String token : specialByLength) {
      if (text.startsWith(token, at)) {
        return token;
      }
    }
    return "";
  }
}
