package dev.fovea.engine;

import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Sorts the rows of one request into batches: rows of equal shape together, no batch larger than
/// allowed.
public final class Batches {
  private Batches() {}

  /// @param rows the rows of a request
  /// @param maxBatchSize most rows of a batch, 1 or more
  /// @return the places of each batch's rows in `rows`, every place in exactly one batch; rows of a
  ///   batch have inputs of equal shapes and stay in order
  public static List<int[]> of(List<Map<String, Tensor>> rows, int maxBatchSize) {
    Map<Map<String, Shape>, List<Integer>> byShape = new LinkedHashMap<>();
    for (int row = 0; row < rows.size(); row++) {
      byShape.computeIfAbsent(shapes(rows.get(row)), _ -> new ArrayList<>()).add(row);
    }
    List<int[]> batches = new ArrayList<>();
    for (List<Integer> places : byShape.values()) {
      for (int from = 0; from < places.size(); from += maxBatchSize) {
        int to = Math.min(places.size(), from + maxBatchSize);
        batches.add(places.subList(from, to).stream().mapToInt(Integer::intValue).toArray());
      }
    }
    return batches;
  }

  private static Map<String, Shape> shapes(Map<String, Tensor> row) {
    Map<String, Shape> shapes = new TreeMap<>();
    row.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    return shapes;
  }
}
