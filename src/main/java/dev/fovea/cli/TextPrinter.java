package dev.fovea.cli;

import dev.fovea.v1.FinishReason;
import dev.fovea.v1.GenerationFinished;
import dev.fovea.v1.TextDelta;
import java.io.PrintWriter;
import java.util.Locale;

/// Prints a text while it comes.
final class TextPrinter {
  private static final String PREFIX = "FINISH_REASON_";

  private final PrintWriter out;

  TextPrinter(PrintWriter out) {
    this.out = out;
  }

  /// Words appear when they come, and nothing that a terminal would act on.
  void print(TextDelta delta) {
    out.print(printable(delta.getText()));
    out.flush();
  }

  static String printable(String text) {
    return text.replaceAll("\\p{Cntrl}", " ");
  }

  /// Says why the text has ended, unless it was done.
  void finish(GenerationFinished finished) {
    FinishReason reason = finished.getFinishReason();
    boolean cut =
        reason == FinishReason.FINISH_REASON_LENGTH
            || reason == FinishReason.FINISH_REASON_DEADLINE;
    out.println(
        cut
            ? "… (cut: " + reason.name().substring(PREFIX.length()).toLowerCase(Locale.ROOT) + ")"
            : "");
  }
}
