package dev.fovea.rpc;

import dev.fovea.call.Caller;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.task.Content;
import dev.fovea.text.Truncation;
import dev.fovea.v1.Item;
import dev.fovea.v1.Text;
import java.util.ArrayList;
import java.util.List;

/// Reads the items of a request. Each item by itself: one that is malformed is refused, its
/// neighbours are not.
final class ItemReader {
  private static final int MAX_ID_LENGTH = 128;

  private final RequestLimits limits;
  private final ImageReader images;

  ItemReader(RequestLimits limits, ImageReader images) {
    this.limits = limits;
    this.images = images;
  }

  /// @param caller whose handles are meant
  List<Outcome<Content>> read(List<Item> items, Caller caller) {
    List<Outcome<Content>> contents = new ArrayList<>();
    for (Item item : items) {
      contents.add(Outcome.done(item).then(i -> read(i, caller)));
    }
    return contents;
  }

  private Content read(Item item, Caller caller) {
    if (item.getId().length() > MAX_ID_LENGTH) {
      throw GatewayException.invalidField("id", item.getId(), "at most 128 characters");
    }
    return switch (item.getContent().getKindCase()) {
      case IMAGE -> {
        try {
          yield images.read(item.getContent().getImage(), caller);
        } catch (GatewayException refusal) {
          throw refusal.under("content.image");
        }
      }
      case TEXT -> {
        try {
          yield read(item.getContent().getText());
        } catch (GatewayException refusal) {
          throw refusal.under("content.text");
        }
      }
      case KIND_NOT_SET ->
          throw GatewayException.invalidField("content", "nothing", "an image or a text");
    };
  }

  private Content.Text read(Text text) {
    limits.requireText("value", text.getValue());
    Truncation truncation =
        switch (text.getTruncation()) {
          case TRUNCATION_UNSPECIFIED, TRUNCATION_ERROR -> Truncation.ERROR;
          case TRUNCATION_END -> Truncation.END;
          case TRUNCATION_START -> Truncation.START;
          case UNRECOGNIZED ->
              throw GatewayException.invalidField(
                  "truncation", text.getTruncationValue(), "a known truncation");
        };
    return new Content.Text(text.getValue(), truncation);
  }

  /// A refusal that a task had for an item, with the field that it is about.
  static GatewayException locate(GatewayException refusal, Item item) {
    boolean located =
        refusal.violations().stream()
            .anyMatch(v -> v.field().startsWith("content") || v.field().equals("id"));
    return located
        ? refusal
        : switch (item.getContent().getKindCase()) {
          case IMAGE ->
              ImageReader.locate(refusal, item.getContent().getImage()).under("content.image");
          case TEXT -> refusal.under("content.text");
          case KIND_NOT_SET -> refusal.under("content");
        };
  }
}
