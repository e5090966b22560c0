package dev.fovea.cli;

import com.google.protobuf.ByteString;
import dev.fovea.v1.GeneratedToken;
import dev.fovea.v1.GridGeometry;
import dev.fovea.v1.RelevanceMap;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;

/// Where a decoder looked as it chose each word of a text about one image: the mean over the word's
/// tokens.
final class WordMaps {
  /// Words of one row of the drawing.
  private static final int PER_ROW = 4;

  private final GridGeometry geometry;
  private final List<Word> words = new ArrayList<>();

  private WordMaps(GridGeometry geometry) {
    this.geometry = geometry;
  }

  /// @param geometries how the image's relevance lies on it; none when it was not asked for
  static WordMaps on(List<GridGeometry> geometries) {
    return new WordMaps(
        geometries.isEmpty() ? GridGeometry.getDefaultInstance() : geometries.getFirst());
  }

  private record Word(ByteString content, List<RelevanceMap> tokens) {
    String text() {
      return TextPrinter.printable(content.toStringUtf8()).strip();
    }

    RelevanceMap mean() {
      RelevanceMap.Builder mean = RelevanceMap.newBuilder();
      for (int cell = 0; cell < tokens.getFirst().getScoresCount(); cell++) {
        int at = cell;
        mean.addScores(
            (float) tokens.stream().mapToDouble(map -> map.getScores(at)).average().orElse(0));
      }
      return mean.build();
    }
  }

  /// Adds tokens. One that begins with a blank begins a word; one without content, as the end is,
  /// belongs to none.
  void add(List<GeneratedToken> tokens) {
    for (GeneratedToken token : tokens) {
      if (token.getContent().isEmpty() || token.getRelevanceCount() == 0) {
        continue;
      }
      if (words.isEmpty() || token.getContent().byteAt(0) == ' ') {
        words.add(new Word(ByteString.EMPTY, List.of()));
      }
      Word word = words.removeLast();
      List<RelevanceMap> maps = new ArrayList<>(word.tokens());
      maps.add(token.getRelevance(0));
      words.add(new Word(word.content().concat(token.getContent()), maps));
    }
  }

  /// Each word, and the place that it was read from most, one a line.
  List<String> lines() {
    return words.stream()
        .map(word -> word.text() + ": " + HeatMap.where(word.mean(), geometry))
        .toList();
  }

  /// One picture a word, in the order of the text; red is the most that any word's patch has.
  BufferedImage draw(HeatMap picture) {
    double most =
        words.stream()
            .flatMap(word -> word.mean().getScoresList().stream())
            .mapToDouble(Float::doubleValue)
            .max()
            .orElse(1);
    List<BufferedImage> pictures =
        words.stream()
            .map(word -> picture.draw(geometry, word.mean().getScoresList(), 0, most))
            .toList();
    return pictures.isEmpty() ? picture.picture() : HeatMap.beside(pictures, PER_ROW);
  }
}
