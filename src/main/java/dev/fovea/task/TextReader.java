package dev.fovea.task;

import dev.fovea.generate.Delta;
import java.util.List;

/// Who is told of a text as it comes, on the thread that generates.
public interface TextReader {
  /// The images were seen and the decoder begins. Told once, before anything else.
  ///
  /// @param promptTokens tokens of the prompt
  /// @param grids how each image's relevance lies on it; empty when that is not wanted
  void begin(int promptTokens, List<GridOnImage> grids);

  /// More text. What is thrown ends it.
  void read(Delta delta);

  /// The text is whole, and the engine has its place back. Waits until all of it was read.
  ///
  /// @throws dev.fovea.failure.GatewayException with `SLOW_CONSUMER`
  void end() throws InterruptedException;
}
