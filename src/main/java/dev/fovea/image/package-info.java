/// From untrusted bytes to a model's input tensors: header, pixels, processed image.
///
/// Read [dev.fovea.image.ImageDecoder], [dev.fovea.image.ImageProcessor] and
/// [dev.fovea.image.Pixels] first, then `ProcessorFamilies`, where every processor is put together
/// of its steps. The codecs live in `image.codec`; the tasks know only the interfaces here. May
/// import `tensor`, `kernel`, `failure`, `call` and `telemetry`.
@NullMarked
package dev.fovea.image;

import org.jspecify.annotations.NullMarked;
