package dev.fovea.cli;

import dev.fovea.v1.GetImageInfoRequest;
import dev.fovea.v1.GridGeometry;
import dev.fovea.v1.ImageServiceGrpc.ImageServiceBlockingStub;
import dev.fovea.v1.RelevanceMap;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.imageio.ImageIO;

/// Lays the values of a grid over the picture that they are about: from blue for the least over
/// yellow to red for the greatest, shaded evenly from cell to cell.
final class HeatMap {
  private static final double STRENGTH = 0.6;

  /// Red, green and blue of the values 0, ⅓, ⅔ and 1.
  private static final double[][] COLOURS = {
    {20, 24, 110}, {30, 150, 200}, {250, 210, 60}, {220, 30, 30}
  };

  private final BufferedImage picture;

  private HeatMap(BufferedImage picture) {
    this.picture = picture;
  }

  /// Over the image that a command line names, upright as the server shows it.
  ///
  /// @param name a file
  /// @param image the same, as the server was asked about it
  /// @param longest pixels of its longer side at most
  /// @throws UnreadableFileException naming the file that cannot be drawn on
  static HeatMap over(
      String name, dev.fovea.v1.Image image, ImageServiceBlockingStub service, int longest) {
    if (name.startsWith(ImageArguments.HANDLE)) {
      throw new UnreadableFileException(name + ": is no file to draw over (expected: a file)");
    }
    int orientation =
        service
            .getImageInfo(GetImageInfoRequest.newBuilder().setImage(image).build())
            .getInfo()
            .getOrientation();
    return over(Path.of(name), orientation, longest);
  }

  /// Over the picture of a file.
  ///
  /// @param orientation as Exif counts it; 1, or 0 where nothing is known, for one that is upright
  /// @param longest pixels of its longer side at most
  /// @throws UnreadableFileException naming the file that cannot be drawn on
  static HeatMap over(Path file, int orientation, int longest) {
    BufferedImage read;
    try {
      read = ImageIO.read(file.toFile());
    } catch (IOException e) {
      throw new UnreadableFileException(file + ": cannot be drawn on (" + e.getMessage() + ")");
    }
    if (read == null) {
      throw new UnreadableFileException(
          file + ": cannot be drawn on (expected: JPEG, PNG, GIF, BMP or TIFF)");
    }
    return new HeatMap(upright(scaled(read, longest), orientation));
  }

  private static BufferedImage scaled(BufferedImage image, int longest) {
    double scale = Math.min(1, (double) longest / Math.max(image.getWidth(), image.getHeight()));
    int width = (int) Math.max(1, Math.round(image.getWidth() * scale));
    int height = (int) Math.max(1, Math.round(image.getHeight() * scale));
    BufferedImage scaled = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = scaled.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(image, 0, 0, width, height, null);
    graphics.dispose();
    return scaled;
  }

  /// The picture as its orientation shows it.
  private static BufferedImage upright(BufferedImage stored, int orientation) {
    if (orientation <= 1) {
      return stored;
    }
    boolean turned = orientation >= 5;
    int right = stored.getWidth() - 1;
    int bottom = stored.getHeight() - 1;
    BufferedImage shown =
        new BufferedImage(
            turned ? bottom + 1 : right + 1,
            turned ? right + 1 : bottom + 1,
            BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < shown.getHeight(); y++) {
      for (int x = 0; x < shown.getWidth(); x++) {
        int across = turned ? y : x;
        int down = turned ? x : y;
        boolean fromRight = List.of(2, 3, 7, 8).contains(orientation);
        boolean fromBottom = List.of(3, 4, 6, 7).contains(orientation);
        shown.setRGB(
            x,
            y,
            stored.getRGB(fromRight ? right - across : across, fromBottom ? bottom - down : down));
      }
    }
    return shown;
  }

  /// The picture itself.
  BufferedImage picture() {
    return picture;
  }

  /// The picture with a grid's values over it.
  ///
  /// @param least what is shown blue
  /// @param greatest what is shown red
  BufferedImage draw(GridGeometry geometry, List<Float> values, double least, double greatest) {
    BufferedImage drawn =
        new BufferedImage(picture.getWidth(), picture.getHeight(), BufferedImage.TYPE_INT_RGB);
    double range = greatest == least ? 1 : greatest - least;
    for (int y = 0; y < drawn.getHeight(); y++) {
      double imageY = (y + 0.5) * geometry.getOrientedHeight() / drawn.getHeight();
      for (int x = 0; x < drawn.getWidth(); x++) {
        double imageX = (x + 0.5) * geometry.getOrientedWidth() / drawn.getWidth();
        int rgb = picture.getRGB(x, y);
        Optional<Double> value = at(geometry, values, imageX, imageY);
        drawn.setRGB(
            x,
            y,
            value.isEmpty()
                ? rgb
                : mixed(rgb, Math.clamp((value.get() - least) / range, 0.0, 1.0)));
      }
    }
    return drawn;
  }

  /// The value at a point of the image: between those of the nearest cells; none beyond the grid.
  private static Optional<Double> at(
      GridGeometry geometry, List<Float> values, double x, double y) {
    double column =
        (x - geometry.getBox().getLeft()) * geometry.getColumns() / geometry.getBox().getWidth();
    double row =
        (y - geometry.getBox().getTop()) * geometry.getRows() / geometry.getBox().getHeight();
    if (column < 0 || column > geometry.getColumns() || row < 0 || row > geometry.getRows()) {
      return Optional.empty();
    }
    double left = Math.clamp(column - 0.5, 0.0, geometry.getColumns() - 1.0);
    double top = Math.clamp(row - 0.5, 0.0, geometry.getRows() - 1.0);
    double across = left - Math.floor(left);
    double down = top - Math.floor(top);
    double upper =
        (1 - across) * cell(geometry, values, top, left)
            + across * cell(geometry, values, top, left + 1);
    double lower =
        (1 - across) * cell(geometry, values, top + 1, left)
            + across * cell(geometry, values, top + 1, left + 1);
    return Optional.of((1 - down) * upper + down * lower);
  }

  private static float cell(GridGeometry geometry, List<Float> values, double row, double column) {
    int r = Math.min((int) row, geometry.getRows() - 1);
    int c = Math.min((int) column, geometry.getColumns() - 1);
    return values.get(r * geometry.getColumns() + c);
  }

  private static int mixed(int rgb, double value) {
    double place = value * (COLOURS.length - 1);
    int from = Math.min((int) place, COLOURS.length - 2);
    int mixed = 0;
    for (int channel = 0; channel < 3; channel++) {
      double heat =
          COLOURS[from][channel]
              + (place - from) * (COLOURS[from + 1][channel] - COLOURS[from][channel]);
      int under = rgb >> 16 - 8 * channel & 0xFF;
      mixed = mixed << 8 | (int) Math.round(STRENGTH * heat + (1 - STRENGTH) * under);
    }
    return mixed;
  }

  /// Pictures of one size side by side, so many in a row.
  static BufferedImage beside(List<BufferedImage> pictures, int perRow) {
    int width = pictures.getFirst().getWidth();
    int height = pictures.getFirst().getHeight();
    int columns = Math.min(perRow, pictures.size());
    int rows = Math.ceilDiv(pictures.size(), columns);
    BufferedImage all =
        new BufferedImage(columns * width, rows * height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = all.createGraphics();
    for (int i = 0; i < pictures.size(); i++) {
      graphics.drawImage(pictures.get(i), i % columns * width, i / columns * height, null);
    }
    graphics.dispose();
    return all;
  }

  /// The greatest score of a map and where on the image it is.
  static String where(RelevanceMap map, GridGeometry grid) {
    int best = 0;
    for (int cell = 0; cell < map.getScoresCount(); cell++) {
      best = map.getScores(cell) > map.getScores(best) ? cell : best;
    }
    int row = best / grid.getColumns();
    int column = best % grid.getColumns();
    return String.format(
        Locale.ROOT,
        "best %.3f at %.0f, %.0f (row %d of %d, column %d of %d)",
        map.getScores(best),
        grid.getBox().getLeft() + (column + 0.5) * grid.getBox().getWidth() / grid.getColumns(),
        grid.getBox().getTop() + (row + 0.5) * grid.getBox().getHeight() / grid.getRows(),
        row + 1,
        grid.getRows(),
        column + 1,
        grid.getColumns());
  }

  /// Writes a picture in the format that its name ends with: `.png` or `.jpg`.
  ///
  /// @throws UnreadableFileException naming the file that cannot be written
  static void write(BufferedImage picture, Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    String format = name.endsWith(".jpg") || name.endsWith(".jpeg") ? "jpeg" : "png";
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      if (!ImageIO.write(picture, format, file.toFile())) {
        throw new UnreadableFileException(file + ": cannot be written as " + format);
      }
    } catch (IOException e) {
      throw new UnreadableFileException(file + ": cannot be written (" + e.getMessage() + ")");
    }
  }
}
