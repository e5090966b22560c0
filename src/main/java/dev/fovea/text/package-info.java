/// From text to token ids.
///
/// Read [dev.fovea.text.Tokenizer] first, then [dev.fovea.text.Encoding]. May import `failure`.
@NullMarked
package dev.fovea.text;

import org.jspecify.annotations.NullMarked;
