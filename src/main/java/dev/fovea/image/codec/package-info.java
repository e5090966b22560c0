/// The codecs behind [dev.fovea.image.ImageDecoder]: header parsers of our own, ImageIO for the
/// pixels.
///
/// Known to `app` alone; everyone else sees the interface. May import `image`, `kernel`, `failure`,
/// `call` and `telemetry`.
@NullMarked
package dev.fovea.image.codec;

import org.jspecify.annotations.NullMarked;
