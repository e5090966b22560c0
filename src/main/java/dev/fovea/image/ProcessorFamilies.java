package dev.fovea.image;

import dev.fovea.image.ProcessorFamily.Defaults;
import dev.fovea.image.ProcessorFamily.Draft;
import dev.fovea.image.ProcessorFamily.Ingredients;
import dev.fovea.kernel.ResampleFilter;
import dev.fovea.tensor.DataType;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Every reference class that is known here, with what it has where its configuration is silent. To
/// add one, write a method that reads its keys, and its line in the table; the steps that a plan is
/// made of are in [Geometry], [SizeRule], [PatchLayout] and the processors of this package.
final class ProcessorFamilies {
  private static final int MOST_SIDE = 1 << 14;
  private static final int MOST_PATCH = 256;
  private static final int MOST_PATCHES = 1 << 16;

  private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);
  private static final Defaults CLIP =
      new Defaults(
          ResampleFilter.BICUBIC,
          List.of(0.48145466, 0.4578275, 0.40821073),
          List.of(0.26862954, 0.26130258, 0.27577711));
  private static final Defaults STANDARD = new Defaults(ResampleFilter.BICUBIC, HALF, HALF);
  private static final Defaults BILINEAR = new Defaults(ResampleFilter.BILINEAR, HALF, HALF);
  private static final Defaults IMAGENET_BILINEAR =
      new Defaults(
          ResampleFilter.BILINEAR, List.of(0.485, 0.456, 0.406), List.of(0.229, 0.224, 0.225));

  private static final Collection<Set<String>> RESIZES =
      List.of(
          Sides.SQUARE,
          Sides.SHORTEST,
          Set.of("shortest_edge", "longest_edge"),
          Set.of("max_height", "max_width"));

  /// The families by the reference class, without `Fast`.
  static final Map<String, ProcessorFamily> BY_CLASS =
      Map.ofEntries(
          Map.entry("BitImageProcessor", pictures(CLIP, Sides.shortest(224), false, 224)),
          Map.entry("BlipImageProcessor", pictures(CLIP, Sides.square(384), true, 0)),
          Map.entry("CLIPImageProcessor", ProcessorFamilies::clip),
          Map.entry("ConvNextImageProcessor", ProcessorFamilies::convNext),
          Map.entry("DINOv3ViTImageProcessor", ProcessorFamilies::dinoV3),
          Map.entry("DeiTImageProcessor", pictures(STANDARD, Sides.square(256), true, 224)),
          Map.entry("FoveaPatchImageProcessor", ProcessorFamilies::foveaPatches),
          Map.entry("GotOcr2ImageProcessor", ProcessorFamilies::gotOcr2),
          Map.entry("LlavaImageProcessor", ProcessorFamilies::llava),
          Map.entry("LlavaNextImageProcessor", ProcessorFamilies::llavaNext),
          Map.entry("PixtralImageProcessor", ProcessorFamilies::pixtral),
          Map.entry("Qwen2VLImageProcessor", ProcessorFamilies::qwen2Vl),
          Map.entry("Siglip2ImageProcessor", ProcessorFamilies::siglip2),
          Map.entry("SiglipImageProcessor", pictures(STANDARD, Sides.square(224), false, 0)),
          Map.entry("ViTImageProcessor", pictures(BILINEAR, Sides.square(224), true, 0)));

  private ProcessorFamilies() {}

  /// A class that adds nothing to the common way: resize, cut out the middle, normalise.
  ///
  /// @param squares whether a bare number as `size` means both sides
  /// @param crop the side that is cut out; 0 where nothing is
  private static ProcessorFamily pictures(
      Defaults defaults, Sides size, boolean squares, int crop) {
    return (name, settings, type) -> {
      Ingredients ingredients = defaults.read(settings, type);
      Geometry geometry = geometry(settings, size, squares, crop);
      settings.flag("do_pad", false);
      return planes(name, ingredients, geometry, Optional.empty());
    };
  }

  private static Draft planes(
      String name, Ingredients ingredients, Geometry geometry, Optional<List<Integer>> surround) {
    return () -> new PlaneImageProcessor(ingredients.recipe(name), geometry, surround, false);
  }

  private static Geometry geometry(
      Settings settings, Sides absentSize, boolean squares, int absentCrop) {
    boolean byDefault = settings.flag("default_to_square", squares);
    Sides size = settings.size("size", absentSize, byDefault, RESIZES, MOST_SIDE);
    Optional<Size> crop = crop(settings, absentCrop);
    boolean resizes = settings.flag("do_resize", true);
    if (!resizes && crop.isEmpty()) {
      settings.refuse("do_resize", "true: an image of any size would reach the model");
    }
    return new Geometry(resizes ? rule(size) : new SizeRule.Unchanged(), crop);
  }

  private static SizeRule rule(Sides size) {
    if (size.is(Sides.SQUARE)) {
      return new SizeRule.Exactly(size.get("height"), size.get("width"));
    }
    if (size.is(Sides.SHORTEST)) {
      return new SizeRule.ShortestEdge(size.get("shortest_edge"));
    }
    return size.get("max_height") > 0
        ? new SizeRule.WithinBox(size.get("max_height"), size.get("max_width"))
        : new SizeRule.ShortestAndLongestEdge(size.get("shortest_edge"), size.get("longest_edge"));
  }

  private static Optional<Size> crop(Settings settings, int absent) {
    boolean crops = settings.flag("do_center_crop", absent > 0);
    Sides size = cropSize(settings, absent);
    if (crops && size.isNone()) {
      settings.refuse("crop_size", "a size, for do_center_crop is true");
    }
    return crops && !size.isNone() ? Optional.of(size.sizeOrSquareOf("height")) : Optional.empty();
  }

  private static Sides cropSize(Settings settings, int absent) {
    Sides none = absent > 0 ? Sides.square(absent) : Sides.NONE;
    return settings.size("crop_size", none, true, List.of(Sides.SQUARE), MOST_SIDE);
  }

  /// KOSMOS-2's switch replaces the size.
  private static Draft clip(String name, Settings settings, Optional<DataType> type) {
    Ingredients ingredients = CLIP.read(settings, type);
    Geometry geometry = geometry(settings, Sides.shortest(224), false, 224);
    settings.flag("do_pad", false);
    boolean squeezes = settings.flag("use_square_size", false);
    SizeRule rule = squeezes ? new SizeRule.Exactly(224, 224) : geometry.rule();
    return planes(name, ingredients, new Geometry(rule, geometry.crop()), Optional.empty());
  }

  /// There is no class of the `pil` back end.
  private static Draft dinoV3(String name, Settings settings, Optional<DataType> unused) {
    Ingredients ingredients = IMAGENET_BILINEAR.read(settings, Optional.empty());
    if (ingredients.backend() != Backend.TORCHVISION) {
      settings.refuse("backend", "torchvision: the reference has no other");
    }
    if (ingredients.filter() == ResampleFilter.NEAREST) {
      settings.refuse("resample", "a filter");
    }
    Sides size =
        settings.size(
            "size",
            Sides.square(224),
            settings.flag("default_to_square", true),
            List.of(Sides.SQUARE),
            MOST_SIDE / 4);
    settings.always("do_resize", true);
    uncropped(settings);
    return () ->
        new FloatImageProcessor(
            name, ingredients.filter(), ingredients.normalisation(), size.sizeOrSquareOf("height"));
  }

  /// Below 384 the image is resized somewhat larger and the middle cut out.
  private static Draft convNext(String name, Settings settings, Optional<DataType> type) {
    Ingredients ingredients = STANDARD.read(settings, type);
    boolean squares = settings.flag("default_to_square", false);
    int edge =
        settings
            .size("size", Sides.shortest(384), squares, List.of(Sides.SHORTEST), MOST_SIDE)
            .get("shortest_edge");
    double cropped = settings.positive("crop_pct", 224 / 256.0);
    settings.always("do_resize", true);
    settings.always("do_center_crop", false);
    settings.never("crop_size");
    settings.flag("do_pad", false);
    Geometry geometry =
        edge < 384
            ? new Geometry(
                new SizeRule.ShortestEdge((int) (edge / cropped)),
                Optional.of(new Size(edge, edge)))
            : new Geometry(new SizeRule.Exactly(edge, edge), Optional.empty());
    return planes(name, ingredients, geometry, Optional.empty());
  }

  /// With `do_pad` the image is put into a square of the mean colour first.
  private static Draft llava(String name, Settings settings, Optional<DataType> type) {
    Ingredients ingredients = CLIP.read(settings, type);
    Geometry geometry = geometry(settings, Sides.shortest(224), false, 224);
    boolean pads = settings.flag("do_pad", false);
    if (pads && geometry.rule() instanceof SizeRule.Unchanged) {
      settings.refuse("do_resize", "true where do_pad is: the square may be of any size");
    }
    List<Integer> colour =
        ingredients.normalisation().means().stream().map(mean -> (int) (mean * 255)).toList();
    return planes(name, ingredients, geometry, pads ? Optional.of(colour) : Optional.empty());
  }

  private static Draft llavaNext(String name, Settings settings, Optional<DataType> type) {
    Ingredients ingredients = CLIP.read(settings, type);
    boolean squares = settings.flag("default_to_square", false);
    Sides size =
        settings.size(
            "size", Sides.shortest(224), squares, List.of(Sides.SQUARE, Sides.SHORTEST), MOST_SIDE);
    Geometry geometry = geometry(settings, Sides.shortest(224), false, 224);
    int tile = cropSize(settings, 224).get("height");
    List<Size> resolutions =
        settings.sizes(
            "image_grid_pinpoints",
            List.of(
                new Size(672, 336),
                new Size(336, 672),
                new Size(672, 672),
                new Size(336, 1008),
                new Size(1008, 336)),
            MOST_SIDE / 2);
    settings.flag("do_pad", true);
    if (geometry.fixedSize().isEmpty()) {
      settings.refuse("do_center_crop", "true: pictures of several sizes make no tensor");
    }
    Size whole = size.sizeOrSquareOf("shortest_edge");
    return () ->
        new AnyResolutionImageProcessor(
            ingredients.recipe(name), geometry, resolutions, whole, tile);
  }

  /// InternVL's processor always has the image cut, whatever the file says.
  private static Draft gotOcr2(String name, Settings settings, Optional<DataType> type) {
    Ingredients ingredients = CLIP.read(settings, type);
    Sides tile =
        settings.size(
            "size",
            Sides.square(384),
            settings.flag("default_to_square", true),
            List.of(Sides.SQUARE),
            MOST_SIDE / 4);
    boolean internVl = settings.processorClass().equals("InternVLProcessor");
    boolean cuts = settings.flag("crop_to_patches", false) || internVl;
    int least = settings.integer("min_patches", 1, 1, 64);
    int most = settings.integer("max_patches", 12, 1, 64);
    settings.always("do_resize", true);
    uncropped(settings);
    return () ->
        new TileImageProcessor(
            ingredients.recipe(name),
            tile.sizeOrSquareOf("height"),
            cuts ? least : 1,
            cuts ? most : 1);
  }

  /// Families that have no use for these keys.
  private static void uncropped(Settings settings) {
    settings.always("do_center_crop", false);
    settings.never("crop_size");
    settings.flag("do_pad", false);
  }

  /// Pixtral's processor, where its file is there, has a say in the size of a patch: as many of the
  /// vision tower's as are merged into one token.
  private static Draft pixtral(String name, Settings settings, Optional<DataType> type) {
    Ingredients ingredients = CLIP.read(settings, type);
    boolean squares = settings.flag("default_to_square", true);
    Sides longest = new Sides(Map.of("longest_edge", 1024));
    Sides size =
        settings.size(
            "size", longest, squares, List.of(Sides.SQUARE, longest.byName().keySet()), MOST_SIDE);
    Sides patch =
        settings.size("patch_size", Sides.square(16), true, List.of(Sides.SQUARE), MOST_PATCH);
    Optional<Integer> merged =
        settings
            .ofProcessor("patch_size")
            .filter(_ -> settings.processorClass().equals("PixtralProcessor"))
            .map(side -> side * settings.ofProcessor("spatial_merge_size").orElse(1));
    settings.always("do_resize", true);
    uncropped(settings);
    Size box = size.sizeOrSquareOf("longest_edge");
    SizeRule rule =
        new SizeRule.WholePatches(
            box.height(),
            box.width(),
            merged.orElse(patch.get("height")),
            merged.orElse(patch.get("width")));
    return () ->
        new PlaneImageProcessor(
            ingredients.recipe(name), new Geometry(rule, Optional.empty()), Optional.empty(), true);
  }

  /// `min_pixels` and `max_pixels` of old replace the edges, which are numbers of pixels too.
  private static Draft qwen2Vl(String name, Settings settings, Optional<DataType> type) {
    Ingredients ingredients = CLIP.read(settings, type);
    int mostPixels = 1 << 26;
    int patch = settings.integer("patch_size", 14, 1, MOST_PATCH);
    int frames = settings.integer("temporal_patch_size", 2, 1, 16);
    int merge = settings.integer("merge_size", 2, 1, 16);
    boolean replaced = settings.has("min_pixels") && settings.has("max_pixels");
    Set<String> edges = Set.of("shortest_edge", "longest_edge");
    Set<String> pixels = Set.of("min_pixels", "max_pixels");
    Sides size =
        settings.size(
            "size",
            new Sides(Map.of("shortest_edge", 56 * 56, "longest_edge", 28 * 28 * 1280)),
            settings.flag("default_to_square", false),
            replaced ? List.of(edges, pixels) : List.of(edges),
            mostPixels);
    int least = settings.integer("min_pixels", size.get("shortest_edge"), 1, mostPixels);
    int most = settings.integer("max_pixels", size.get("longest_edge"), 1, mostPixels);
    settings.always("do_resize", true);
    uncropped(settings);
    return () ->
        new PatchImageProcessor(
            ingredients.recipe(name),
            new SizeRule.SmartResize(patch * merge, least, most),
            new PatchLayout.Merged(patch, frames, merge),
            most / (patch * patch));
  }

  private static Draft siglip2(String name, Settings settings, Optional<DataType> type) {
    Ingredients ingredients = BILINEAR.read(settings, type);
    int patch = settings.integer("patch_size", 16, 1, MOST_PATCH);
    int most = settings.integer("max_num_patches", 256, 1, MOST_PATCHES);
    settings.flag("default_to_square", true);
    settings.never("size");
    settings.always("do_resize", true);
    uncropped(settings);
    return () ->
        new PatchImageProcessor(
            ingredients.recipe(name),
            new SizeRule.NaFlex(patch, most, most),
            new PatchLayout.NaFlex(patch, most),
            most);
  }

  /// Fovea's own models take bytes.
  private static Draft foveaPatches(String name, Settings settings, Optional<DataType> unused) {
    Ingredients read = BILINEAR.read(settings, Optional.empty());
    Ingredients ingredients =
        new Ingredients(read.backend(), read.filter(), Normalisation.NONE, Optional.empty());
    settings.always("do_rescale", false);
    settings.always("do_normalize", false);
    settings.always("do_resize", true);
    int patch = settings.integer("patch_size", 16, 1, MOST_PATCH);
    int most = settings.integer("max_num_patches", 64, 1, MOST_PATCHES);
    int mostDetailed = settings.integer("detailed_max_num_patches", most, most, MOST_PATCHES);
    int mostPerSide = settings.integer("max_patches_per_side", 16, 1, MOST_PATCHES);
    return () -> {
      Recipe recipe = ingredients.recipe(name);
      Optional<PatchImageProcessor> detailed =
          mostDetailed == most
              ? Optional.empty()
              : Optional.of(
                  foveaPatches(recipe, patch, mostDetailed, mostPerSide, Optional.empty()));
      return foveaPatches(recipe, patch, most, mostPerSide, detailed);
    };
  }

  private static PatchImageProcessor foveaPatches(
      Recipe recipe, int patch, int most, int mostPerSide, Optional<PatchImageProcessor> detailed) {
    return new PatchImageProcessor(
        recipe,
        new SizeRule.NaFlex(patch, most, mostPerSide),
        new PatchLayout.Fovea(patch, most),
        most,
        detailed);
  }
}
