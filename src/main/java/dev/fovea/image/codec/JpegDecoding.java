package dev.fovea.image.codec;

/// Who decodes JPEG files.
public enum JpegDecoding {
  /// libjpeg-turbo where the machine has it and it passes the check at start, for the files on
  /// which it and the JDK agree to the byte; the JDK for all others.
  AUTO,
  /// The JDK alone.
  JAVA,
  /// libjpeg-turbo for every file that it reads without complaint; a machine without it is not
  /// served.
  NATIVE
}
