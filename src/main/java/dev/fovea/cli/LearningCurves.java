package dev.fovea.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// How something was learned, as `training/pico/curves.py` writes it: shares by the steps of the
/// training.
///
/// @param title what the shares are of
/// @param series points in the order of their steps, by name
record LearningCurves(String title, Map<String, List<Point>> series) {
  private static final int WIDTH = 720;
  private static final int HEIGHT = 280;
  private static final int LEFT = 40;
  private static final int RIGHT = 180;
  private static final int TOP = 28;
  private static final int BOTTOM = 32;
  private static final int TICKS = 4;
  private static final List<String> COLOURS =
      List.of(
          "#1f6fb4", "#d1495b", "#2e8b57", "#e08e0b", "#7b4fa3", "#4a4a4a", "#17a2a2", "#b5651d");

  /// @param step of the training
  /// @param share 0 to 1
  record Point(int step, double share) {}

  LearningCurves {
    series = new LinkedHashMap<>(series);
  }

  /// @throws UnreadableFileException naming the file that is not there or not as it must be
  static LearningCurves read(Path file) {
    try {
      JsonNode curves = new ObjectMapper().readTree(file.toFile());
      Map<String, List<Point>> series = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> one : curves.required("series").properties()) {
        List<Point> points = new ArrayList<>();
        one.getValue()
            .forEach(p -> points.add(new Point(p.required(0).asInt(), p.required(1).asDouble())));
        series.put(one.getKey(), points);
      }
      return new LearningCurves(curves.required("title").asText(), series);
    } catch (IOException | IllegalArgumentException e) {
      throw new UnreadableFileException(
          file + ": no learning curves; training/python -m pico.curves writes them");
    }
  }

  /// As a picture in SVG, with a legend.
  String svg() {
    int last = series.values().stream().flatMap(List::stream).mapToInt(Point::step).max().orElse(1);
    StringBuilder svg = new StringBuilder();
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n"
            .formatted(WIDTH, HEIGHT, WIDTH, HEIGHT));
    text(svg, LEFT, TOP - 12, "start", title);
    for (int tick = 0; tick <= TICKS; tick++) {
      double share = (double) tick / TICKS;
      svg.append(
          String.format(
              Locale.ROOT,
              "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n",
              LEFT,
              y(share),
              WIDTH - RIGHT));
      text(svg, LEFT - 6, y(share) + 4, "end", String.format(Locale.ROOT, "%.2f", share));
      int step = Math.round((float) last * tick / TICKS);
      text(svg, x(step, last), HEIGHT - BOTTOM + 16, "middle", String.valueOf(step));
    }
    int row = 0;
    for (Map.Entry<String, List<Point>> one : series.entrySet()) {
      String colour = COLOURS.get(row % COLOURS.size());
      svg.append("<polyline fill=\"none\" stroke-width=\"2\" stroke=\"").append(colour);
      svg.append("\" points=\"");
      for (Point point : one.getValue()) {
        svg.append(
            String.format(Locale.ROOT, "%.1f,%.1f ", x(point.step(), last), y(point.share())));
      }
      svg.append("\"/>\n");
      double height = TOP + 8 + 18.0 * row++;
      svg.append(
          String.format(
              Locale.ROOT,
              "<rect x=\"%d\" y=\"%.0f\" width=\"12\" height=\"3\" fill=\"%s\"/>\n",
              WIDTH - RIGHT + 14,
              height - 5,
              colour));
      text(svg, WIDTH - RIGHT + 32, height, "start", one.getKey());
    }
    return svg.append("</svg>\n").toString();
  }

  private static double x(int step, int last) {
    return LEFT + (double) (WIDTH - LEFT - RIGHT) * step / last;
  }

  private static double y(double share) {
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share;
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
    String escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"#333\">%s</text>\n",
            x,
            y,
            anchor,
            escaped));
  }

  /// @throws UnreadableFileException when it cannot be written
  void write(Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(file, svg());
    } catch (IOException e) {
      throw new UnreadableFileException(file + ": cannot be written (" + e.getMessage() + ")");
    }
  }
}
