package dev.fovea.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ImageProcessorsTest {
  private static final String FOVEA =
      """
      {"image_processor_type": "FoveaPatchImageProcessor", "backend": "pil",
       "do_convert_rgb": true, "do_resize": true, "resample": 2, "patch_size": 16,
       "max_num_patches": 64, "max_patches_per_side": 16}\
      """;

  @TempDir private Path assets;

  @Test
  void readsFoveaPatches() throws IOException {
    ImageProcessor processor = read(FOVEA);

    assertThat(processor.specification())
        .isEqualTo(
            "FoveaPatchImageProcessor backend=pil resample=bilinear rescale=no normalize=no"
                + " type=UINT8 size=NaFlex[patchSize=16, maxPatches=64, maxPerSide=16] crop=no"
                + " layout=Fovea[patchSize=16, maxPatches=64]");
  }

  @Test
  void cutsFinerWhatIsReadPatchByPatch() throws IOException {
    ImageProcessor processor = read(FOVEA.replace("64,", "64, \"detailed_max_num_patches\": 144,"));
    Pixels image = GoldenFiles.pattern(40, 30);

    assertThat(processor.info().maxPatches()).isEqualTo(64);
    assertThat(processor.detailed().info().maxPatches()).isEqualTo(144);
    assertThat(processor.detailed().info().width()).isEqualTo(192);
    assertThat(processor.process(image, TensorAllocator.heap()).patches()).isEqualTo(63);
    assertThat(processor.detailed().process(image, TensorAllocator.heap()).patches())
        .isEqualTo(140);
    assertThat(processor.detailed().detailed()).isSameAs(processor.detailed());
    assertThat(processor.specification())
        .isEqualTo(
            read(FOVEA).specification()
                + " detailed: "
                + read(FOVEA.replace("64,", "144,")).specification());
    assertThat(read(FOVEA)).returns(64, plain -> plain.detailed().info().maxPatches());
    assertThat(faults(FOVEA.replace("64,", "64, \"detailed_max_num_patches\": 63,")))
        .extracting(Fault::field, Fault::expected)
        .containsExactly(tuple("detailed_max_num_patches", "an integer in 64..65536"));
  }

  @Test
  void reportsEveryFaultAtOnce() throws IOException {
    List<Fault> faults =
        faults(
            """
            {"image_processor_type": "FoveaPatchImageProcessor", "backend": "pil",
             "do_resize": false, "resample": 7, "patch_size": "16", "max_num_patches": 0,
             "size": {"height": 1}, "zoom": 2}\
            """);

    assertThat(faults)
        .extracting(Fault::field)
        .containsExactly("resample", "do_resize", "patch_size", "max_num_patches", "size", "zoom");
    assertThat(faults.getFirst())
        .isEqualTo(
            new Fault("preprocessor_config.json", "resample", "7", "one of [0, 1, 2, 3, 4, 5]"));
    assertThat(faults.get(3).expected()).isEqualTo("an integer in 1..65536");
    assertThat(faults.getLast().expected()).isEqualTo("no such key");
  }

  @Test
  void refusesUnknownProcessorByName() throws IOException {
    assertThat(faults("{\"image_processor_type\": \"MadeUpProcessor\"}"))
        .containsExactly(
            new Fault(
                "preprocessor_config.json",
                "image_processor_type",
                "\"MadeUpProcessor\"",
                "one of " + new TreeSet<>(ProcessorFamilies.BY_CLASS.keySet())));
  }

  @Test
  void refusesFileThatIsNoJsonObject() throws IOException {
    assertThat(faults("[1, 2]").getFirst().expected()).isEqualTo("a JSON object");
    assertThat(faults("{").getFirst().expected()).isEqualTo("a JSON object");
    assertThat(faults("{\"a\": 1, \"a\": 2}").getFirst().expected()).isEqualTo("a JSON object");
  }

  @Test
  void refusesFolderWithoutTheFile() {
    FaultyConfigurationException refusal =
        catchThrowableOfType(
            FaultyConfigurationException.class, () -> ImageProcessors.read(assets));

    assertThat(refusal.faults())
        .containsExactly(
            new Fault("preprocessor_config.json", "", "NoSuchFileException", "a readable file"));
  }

  @Test
  void readsTheNestedObjectOfTheProcessorsFileFirst() throws IOException {
    write("preprocessor_config.json", "{\"image_processor_type\": \"ViTImageProcessor\"}");
    write(
        "processor_config.json",
        """
        {"processor_class": "CLIPProcessor",
         "image_processor": {"image_processor_type": "CLIPImageProcessorFast", "zoom": 1}}\
        """);

    assertThat(refused())
        .containsExactly(
            new Fault("processor_config.json", "image_processor.zoom", "1", "no such key"));
  }

  @Test
  void readsTheProcessorsFileOfOldForNothing() throws IOException {
    write("processor_config.json", "{\"processor_class\": \"CLIPProcessor\"}");

    assertThat(read("{\"image_processor_type\": \"CLIPImageProcessor\"}").specification())
        .startsWith("CLIPImageProcessor backend=torchvision resample=bicubic");
  }

  @Test
  void readsLegacyNamesAndSizes() throws IOException {
    ImageProcessor legacy =
        read(
            """
            {"feature_extractor_type": "CLIPFeatureExtractor", "size": 224, "crop_size": 224,
             "resample": 3, "do_resize": true, "do_center_crop": true, "do_normalize": true}\
            """);
    ImageProcessor current =
        read(
            """
            {"image_processor_type": "CLIPImageProcessorFast", "size": {"shortest_edge": 224},
             "crop_size": {"height": 224, "width": 224}, "device": null, "size_divisor": null}\
            """);

    assertThat(legacy.specification()).isEqualTo(current.specification());
    assertThat(legacy.outputs())
        .containsExactly(new TensorSpec("pixel_values", DataType.FP32, Shape.of(3, 224, 224)));
  }

  @Test
  void refusesFiltersThatTorchvisionLacks() throws IOException {
    assertThat(faults("{\"image_processor_type\": \"CLIPImageProcessor\", \"resample\": 4}"))
        .extracting(Fault::expected)
        .containsExactly("one of [0, 1, 2, 3]");
  }

  @Test
  void refusesWhatWouldLetAnImageOfAnySizeThrough() throws IOException {
    assertThat(faults("{\"image_processor_type\": \"SiglipImageProcessor\", \"do_resize\": false}"))
        .extracting(Fault::field)
        .containsExactly("do_resize");
  }

  @Test
  void refusesSizesThatTheReferenceDoesNotTake() throws IOException {
    for (String size :
        List.of(
            "0",
            "\"224\"",
            "[224]",
            "{}",
            "{\"longest_edge\": 224}",
            "{\"height\": 224}",
            "{\"height\": 224, \"width\": 0}",
            "{\"shortest_edge\": 224, \"zoom\": 1}")) {
      assertThat(
              faults("{\"image_processor_type\": \"CLIPImageProcessor\", \"size\": " + size + "}"))
          .as(size)
          .extracting(Fault::field)
          .containsExactly("size");
    }
  }

  @Test
  void refusesNumbersThatMakeNoValues() throws IOException {
    assertThat(
            faults(
                """
                {"image_processor_type": "CLIPImageProcessor", "image_std": [1, 0, 1],
                 "image_mean": [0.5, 0.5], "rescale_factor": 0, "do_rescale": "yes"}\
                """))
        .extracting(Fault::field)
        .containsExactly("do_rescale", "rescale_factor", "image_mean", "image_std");
  }

  @Test
  void cutsTheImageWhereTheModelsProcessorHasItCut() throws IOException {
    String config =
        """
        {"image_processor_type": "GotOcr2ImageProcessor", "crop_to_patches": false,
         "processor_class": "%s", "size": {"height": 32, "width": 32}}\
        """;
    Pixels wide = GoldenFiles.pattern(64, 32);

    assertThat(tiles(read(config.formatted("InternVLProcessor")), wide)).isEqualTo(3);
    assertThat(tiles(read(config.formatted("GotOcr2Processor")), wide)).isEqualTo(1);
  }

  private static long tiles(ImageProcessor processor, Pixels pixels) {
    ProcessedImage processed = processor.process(pixels, TensorAllocator.heap());
    return processed.input("pixel_values").shape().extent(0);
  }

  @Test
  void mergesPatchesAsPixtralsProcessorSays() throws IOException {
    write(
        "processor_config.json",
        """
        {"processor_class": "PixtralProcessor", "patch_size": 14, "spatial_merge_size": 2}\
        """);

    assertThat(
            read("{\"image_processor_type\": \"PixtralImageProcessor\", \"patch_size\": 14}")
                .specification())
        .contains("patchHeight=28, patchWidth=28");
  }

  @Test
  void givesPixelsInTheTypeThatTheModelWants() throws IOException {
    write("preprocessor_config.json", "{\"image_processor_type\": \"ViTImageProcessor\"}");
    Pixels pixels = GoldenFiles.pattern(40, 30);
    Tensor floats = pixelValues(Optional.empty(), pixels);
    Tensor halves = pixelValues(Optional.of(DataType.FP16), pixels);
    Tensor brains = pixelValues(Optional.of(DataType.BF16), pixels);

    assertThat(floats.type()).isEqualTo(DataType.FP32);
    for (int i = 0; i < floats.shape().elements(); i++) {
      short half = halves.data().getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i);
      short brain = brains.data().getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i);
      float exact = floats.floatAt(i);
      assertThat(half).isEqualTo(Float.floatToFloat16(exact));
      float rounded = Float.intBitsToFloat(brain << 16);
      assertThat(Math.abs(rounded - exact)).isLessThanOrEqualTo(Math.abs(exact) / 256);
    }
  }

  private Tensor pixelValues(Optional<DataType> type, Pixels pixels) {
    ImageProcessor processor = ImageProcessors.read(assets, type);
    Tensor tensor = processor.process(pixels, TensorAllocator.heap()).input("pixel_values");
    assertThat(processor.outputs().getFirst().accepts(tensor)).isTrue();
    return tensor;
  }

  @Test
  void refusesImagesThatARuleLeavesNothingOf() throws IOException {
    ImageProcessor processor = read("{\"image_processor_type\": \"Qwen2VLImageProcessor\"}");

    GatewayException refusal =
        catchThrowableOfType(
            GatewayException.class,
            () -> processor.process(GoldenFiles.pattern(1, 500), TensorAllocator.heap()));

    assertThat(refusal.reason()).isEqualTo(Reason.IMAGE_DIMENSIONS_EXCEEDED);
  }

  @Test
  void tellsDecodersHowLargeTheImageWillBe() throws IOException {
    assertThat(target("\"CLIPImageProcessor\"")).isEqualTo(new DecodeTarget(448, 224));
    assertThat(target("\"LlavaImageProcessor\", \"do_pad\": true"))
        .isEqualTo(new DecodeTarget(224, 112));
    assertThat(target("\"Siglip2ImageProcessor\", \"max_num_patches\": 32"))
        .isEqualTo(new DecodeTarget(128, 64));
    assertThat(target("\"LlavaNextImageProcessor\"")).isEqualTo(new DecodeTarget(672, 336));
    assertThat(target("\"GotOcr2ImageProcessor\", \"crop_to_patches\": true"))
        .isEqualTo(new DecodeTarget(4 * 384, 2 * 384));
    assertThat(target("\"DINOv3ViTImageProcessor\"")).isEqualTo(new DecodeTarget(224, 224));
  }

  private DecodeTarget target(String type) throws IOException {
    return read("{\"image_processor_type\": " + type + "}").target(1600, 800);
  }

  private List<Fault> faults(String json) throws IOException {
    write("preprocessor_config.json", json);
    return refused();
  }

  private List<Fault> refused() {
    return catchThrowableOfType(
            FaultyConfigurationException.class, () -> ImageProcessors.read(assets))
        .faults();
  }

  private ImageProcessor read(String json) throws IOException {
    write("preprocessor_config.json", json);
    return ImageProcessors.read(assets);
  }

  private void write(String file, String json) throws IOException {
    Files.writeString(assets.resolve(file), json);
  }
}
