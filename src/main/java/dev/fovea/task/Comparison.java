package dev.fovea.task;

import dev.fovea.failure.GatewayException;
import java.util.List;
import java.util.Optional;

/// How close each item of one list is to each of another.
///
/// @param rows one for each item on the left, in order; that of a refused item has no cells
/// @param refusals the items that could not be compared
public record Comparison(List<Row> rows, List<Refusal> refusals) {
  public Comparison {
    rows = List.copyOf(rows);
    refusals = List.copyOf(refusals);
  }

  /// One item on the left.
  ///
  /// @param left its place
  /// @param cells one for each item on the right that was not refused, in order
  public record Row(int left, List<Cell> cells) {
    public Row {
      cells = List.copyOf(cells);
    }
  }

  /// One pair.
  ///
  /// @param right the place of the item on the right
  /// @param cosine −1 to 1
  /// @param fit the model's own score; only for pairs of an image and a text of a calibrated family
  public record Cell(int right, double cosine, Optional<Fit> fit) {}

  /// The model's own score of a pair.
  ///
  /// @param logit cosine × scale + bias
  /// @param probability softmax over the scored cells of the row
  public record Fit(double logit, double probability) {}

  /// An item that could not be compared.
  ///
  /// @param side which list it is in
  /// @param place its place there
  /// @param refusal why
  public record Refusal(Side side, int place, GatewayException refusal) {}

  /// One of the two lists.
  public enum Side {
    LEFT,
    RIGHT
  }
}
