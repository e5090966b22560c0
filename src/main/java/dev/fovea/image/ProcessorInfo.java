package dev.fovea.image;

/// What an image processor does to every image, for clients to read.
///
/// @param imageProcessor the reference class, as its configuration names it
/// @param width pixels of the default input
/// @param height pixels of the default input
/// @param patchSize side of a patch in pixels; zero where the model takes pixels
/// @param maxPatches most patches an image is made into; zero where the model takes pixels
/// @param keepsAspect whether the proportions of the image are kept
/// @param resample name of the filter, as Pillow names it
/// @param backend the reference back end whose bytes are reproduced: `pil` or `torchvision`
public record ProcessorInfo(
    String imageProcessor,
    int width,
    int height,
    int patchSize,
    int maxPatches,
    boolean keepsAspect,
    String resample,
    String backend) {}
