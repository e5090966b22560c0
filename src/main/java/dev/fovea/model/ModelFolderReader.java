package dev.fovea.model;

import dev.fovea.image.ImageProcessor;
import dev.fovea.image.ImageProcessors;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.TensorSpec;
import dev.fovea.text.HuggingFaceTokenizer;
import dev.fovea.text.Tokenizer;
import inference.ModelConfig;
import inference.ModelInstanceGroup;
import inference.ModelOutput;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The reading of one folder: each step logs its faults and the next goes on as well as it can.
final class ModelFolderReader {
  private static final String ASSETS = "assets/";
  private static final String PREPROCESSOR = "preprocessor_config.json";

  static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,128}");

  /// Triton's own default for ONNX Runtime on the CPU.
  private static final int DEFAULT_INSTANCES = 2;

  private final Path folder;
  private final String name;
  private final String decoder;

  /// The configuration's file, relative to the folder.
  private final String configFile;

  private final FaultLog faults;
  private final FaultLog warnings;

  ModelFolderReader(Path folder, String decoder, Optional<String> configName) {
    this.folder = folder;
    this.configFile =
        configName
            .map(name -> "configs/" + name + ".pbtxt")
            .filter(file -> Files.isRegularFile(folder.resolve(file)))
            .orElse(ModelConfigFile.NAME);
    this.name = folder.getFileName().toString();
    this.decoder = decoder;
    this.faults = new FaultLog(name);
    this.warnings = new FaultLog(name);
  }

  ModelFolder read() {
    Optional<String> text = readText();
    Optional<ModelConfig> parsed = text.flatMap(t -> ModelConfigFile.parse(configFile, t, faults));
    if (parsed.isEmpty()) {
      String family = text.map(ModelConfigFile::parseLeniently).map(this::family).orElse(name);
      return new ModelFolder(
          family, Optional.empty(), EmbeddingSettings.NONE, "", faults.faults(), List.of());
    }
    ModelConfig config = parsed.get();
    ModelConfigFile.warnOfUnhonoured(configFile, config, warnings);
    Optional<ServableModel> model = readModel(config);
    EmbeddingSettings settings =
        faults
            .attempt(ASSETS, () -> EmbeddingSettings.read(folder.resolve("assets")))
            .orElse(EmbeddingSettings.NONE);
    if (!faults.isEmpty()) {
      model.flatMap(ServableModel::tokenizer).ifPresent(Tokenizer::close);
      model = Optional.empty();
    }
    return new ModelFolder(
        family(config),
        model,
        settings,
        parameters(config).getOrDefault("space", ""),
        faults.faults(),
        warnings.faults());
  }

  private Optional<String> readText() {
    try {
      Path file = folder.resolve(configFile);
      if (Files.isRegularFile(file)) {
        return Optional.of(Files.readString(file));
      }
      faults.add(configFile, "", "missing", "a file");
    } catch (MalformedInputException e) {
      faults.add(configFile, "", "not UTF-8", "UTF-8 text");
    } catch (IOException e) {
      faults.add(configFile, "", e.getClass().getSimpleName(), "a readable file");
    }
    return Optional.empty();
  }

  private Optional<ServableModel> readModel(ModelConfig config) {
    checkName(config);
    checkBackend(config);
    Map<String, String> parameters = parameters(config);
    Optional<Role> role = readRole(parameters);
    checkParameterName("family", parameters);
    checkParameterName("space", parameters);
    Optional<Signature> signature = readSignature(config);
    BatchPolicy batchPolicy = BatchPolicyReader.read(config, faults);
    int instances = readInstances(config);
    Optional<String> version = readVersion(config);
    Optional<Path> artifact = version.flatMap(v -> readArtifact(config, v));
    Optional<ImageProcessor> processor =
        role.filter(r -> r == Role.VISION).flatMap(_ -> readProcessor(signature));
    Optional<Tokenizer> tokenizer =
        role.filter(r -> r == Role.TEXT).flatMap(_ -> readTokenizer(signature));
    Optional<Decoding> decoding = Optional.empty();
    if (role.equals(Optional.of(Role.DECODER))) {
      Path assets = folder.resolve("assets");
      tokenizer = faults.attempt(ASSETS, () -> HuggingFaceTokenizer.read(assets));
      decoding =
          tokenizer.flatMap(
              t -> faults.attempt(ASSETS, () -> Decoding.read(assets, t, parameters)));
      decoding.ifPresent(d -> signature.ifPresent(s -> checkDecoder(s, d)));
    }
    if (role.isEmpty() || signature.isEmpty() || artifact.isEmpty()) {
      tokenizer.ifPresent(Tokenizer::close);
      return Optional.empty();
    }
    String output =
        role.get()
            .embeddingOutput()
            .map(usual -> parameters.getOrDefault("embedding_output", usual))
            .orElse("");
    if (role.get().isEncoder()) {
      checkEmbeddingOutput(signature.get(), output);
    }
    return Optional.of(
        new ServableModel(
            name,
            version.orElseThrow(),
            family(config),
            role.get(),
            artifact.get(),
            signature.get(),
            batchPolicy,
            instances,
            config.getOptimization().getGraph().getLevel(),
            parameters,
            output,
            readLabels(config),
            processor,
            tokenizer,
            digest(artifact.get()),
            preprocessingDigest(processor, tokenizer, decoding),
            decoding));
  }

  private void checkName(ModelConfig config) {
    if (!NAME.matcher(name).matches()) {
      faults.add("", "", name, "a folder name of 1 to 128 letters, digits, '_', '-' or '.'");
    }
    if (!config.getName().isEmpty() && !config.getName().equals(name)) {
      faults.add(configFile, "name", config.getName(), name + ", the name of its folder");
    }
  }

  private void checkBackend(ModelConfig config) {
    boolean named = config.getBackend().equals("onnxruntime");
    boolean byPlatform =
        config.getBackend().isEmpty() && config.getPlatform().equals("onnxruntime_onnx");
    if (!named && !byPlatform && !isTensorRt(config)) {
      faults.add(configFile, "backend", quoted(config.getBackend()), "\"onnxruntime\"");
    }
  }

  /// A model that has a configuration for TensorRT beside its usual one is built from the ONNX
  /// file, which stays its artifact: the plan differs from GPU to GPU, and need not be where the
  /// gateway is.
  private boolean isTensorRt(ModelConfig config) {
    boolean tensorRt =
        config.getBackend().equals("tensorrt")
            || (config.getBackend().isEmpty() && config.getPlatform().equals("tensorrt_plan"));
    return tensorRt && !configFile.equals(ModelConfigFile.NAME);
  }

  private Optional<Role> readRole(Map<String, String> parameters) {
    String label = parameters.getOrDefault("role", "");
    Optional<Role> role = Role.labelled(label);
    if (role.isEmpty()) {
      faults.add(configFile, "parameters.role", quoted(label), "one of " + Role.labels());
    }
    return role;
  }

  private void checkParameterName(String key, Map<String, String> parameters) {
    String value = parameters.getOrDefault(key, "");
    if (!NAME.matcher(value).matches()) {
      faults.add(
          configFile,
          "parameters." + key,
          quoted(value),
          "1 to 128 letters, digits, '_', '-' or '.'");
    }
  }

  private Optional<Signature> readSignature(ModelConfig config) {
    int before = faults.faults().size();
    List<TensorSpec> inputs =
        config.getInputList().stream()
            .flatMap(input ->
                readSpec(
                    "input",
                    input.getName(),
                    input.getDataType(),
                    input.getDimsList(),
                    input.hasReshape()))
            .toList();
    config.getInputList().stream()
        .filter(input -> input.getOptional() || input.getIsShapeTensor())
        .forEach(input ->
            faults.add(
                configFile,
                "input." + input.getName(),
                "optional or a shape tensor",
                "neither: such inputs are not served here"));
    List<TensorSpec> outputs =
        config.getOutputList().stream()
            .flatMap(output ->
                readSpec(
                    "output",
                    output.getName(),
                    output.getDataType(),
                    output.getDimsList(),
                    output.hasReshape()))
            .toList();
    checkNames("input", inputs);
    checkNames("output", outputs);
    if (config.getMaxBatchSize() < 1) {
      faults.add(configFile, "max_batch_size", config.getMaxBatchSize(), "1 or more");
    }
    return faults.faults().size() > before
        ? Optional.empty()
        : Optional.of(
            new Signature(
                inputs,
                outputs,
                config.getMaxBatchSize(),
                interaction(config),
                Sequencing.read(configFile, config, faults)));
  }

  private static Interaction interaction(ModelConfig config) {
    if (config.getModelTransactionPolicy().getDecoupled()) {
      return Interaction.DECOUPLED;
    }
    return config.hasSequenceBatching() ? Interaction.SEQUENCE : Interaction.ROWS;
  }

  private Stream<TensorSpec> readSpec(
      String kind, String tensor, inference.DataType type, List<Long> dims, boolean reshaped) {
    String field = kind + "." + (tensor.isEmpty() ? "?" : tensor);
    int before = faults.faults().size();
    if (tensor.isEmpty()) {
      faults.add(configFile, kind + ".name", "\"\"", "a name");
    }
    Optional<DataType> known = dataType(type);
    if (known.isEmpty()) {
      faults.add(configFile, field + ".data_type", type, "a type of a fixed size");
    }
    if (dims.isEmpty() || dims.stream().anyMatch(dim -> dim == 0 || dim < Shape.ANY)) {
      faults.add(configFile, field + ".dims", dims, "one extent or more, each -1 or 1 and above");
    }
    if (reshaped) {
      faults.add(configFile, field + ".reshape", "set", "nothing: reshape is not served here");
    }
    if (faults.faults().size() > before) {
      return Stream.empty();
    }
    long[] extents = dims.stream().mapToLong(Long::longValue).toArray();
    return Stream.of(new TensorSpec(tensor, known.orElseThrow(), Shape.of(extents)));
  }

  private static Optional<DataType> dataType(inference.DataType type) {
    return DataType.named(type.name().replace("TYPE_", ""));
  }

  private void checkNames(String kind, List<TensorSpec> specs) {
    if (specs.isEmpty() && faults.isEmpty()) {
      faults.add(configFile, kind, "none", "one at least");
    }
    Set<String> seen = new HashSet<>();
    for (TensorSpec spec : specs) {
      if (!seen.add(spec.name())) {
        faults.add(configFile, kind + ".name", quoted(spec.name()), "each name once");
      }
    }
  }

  private int readInstances(ModelConfig config) {
    if (config.getInstanceGroupCount() == 0) {
      return DEFAULT_INSTANCES;
    }
    int instances = 0;
    for (ModelInstanceGroup group : config.getInstanceGroupList()) {
      if (group.getCount() < 0 || group.getCount() > 256) {
        faults.add(configFile, "instance_group.count", group.getCount(), "1 to 256");
      }
      if (group.getKind() == ModelInstanceGroup.Kind.KIND_GPU) {
        warnings.add(
            configFile,
            "instance_group.kind",
            group.getKind(),
            "KIND_CPU: it runs on the CPU here");
      }
      instances += Math.max(1, group.getCount());
    }
    return instances;
  }

  /// The newest version that the policy allows.
  private Optional<String> readVersion(ModelConfig config) {
    TreeSet<Long> versions = new TreeSet<>();
    try (Stream<Path> entries = Files.list(folder)) {
      entries
          .filter(Files::isDirectory)
          .map(entry -> entry.getFileName().toString())
          .filter(entry -> entry.matches("[1-9][0-9]{0,17}"))
          .forEach(entry -> versions.add(Long.parseLong(entry)));
    } catch (IOException e) {
      faults.add("", "", e.getClass().getSimpleName(), "a readable folder");
      return Optional.empty();
    }
    String expected = "a folder named by its version, 1 or more";
    if (config.getVersionPolicy().hasSpecific()) {
      List<Long> allowed = config.getVersionPolicy().getSpecific().getVersionsList();
      versions.retainAll(allowed);
      expected = "a folder of one of the versions " + allowed;
    }
    if (versions.isEmpty()) {
      faults.add("", "", "no version", expected);
      return Optional.empty();
    }
    boolean several =
        config.getVersionPolicy().hasAll()
            || config.getVersionPolicy().getSpecific().getVersionsCount() > 1
            || config.getVersionPolicy().getLatest().getNumVersions() > 1;
    if (several && versions.size() > 1) {
      warnings.add(
          configFile, "version_policy", versions, "one version: only the newest is served here");
    }
    return Optional.of(String.valueOf(versions.last()));
  }

  private Optional<Path> readArtifact(ModelConfig config, String version) {
    String file =
        config.getDefaultModelFilename().isEmpty() || isTensorRt(config)
            ? "model.onnx"
            : config.getDefaultModelFilename();
    Path versionFolder = folder.resolve(version);
    Path artifact = versionFolder.resolve(file).normalize();
    if (!artifact.startsWith(versionFolder)) {
      faults.add(
          configFile, "default_model_filename", quoted(file), "a file of the version's folder");
      return Optional.empty();
    }
    if (!Files.isRegularFile(artifact)) {
      faults.add(version + "/" + file, "", "missing", "the model");
      return Optional.empty();
    }
    return Optional.of(artifact);
  }

  /// The lines of the file that the one output with a `label_filename` names, as Triton reads it:
  /// beside the configuration.
  private List<String> readLabels(ModelConfig config) {
    List<ModelOutput> labelled =
        config.getOutputList().stream()
            .filter(output -> !output.getLabelFilename().isEmpty())
            .toList();
    if (labelled.isEmpty()) {
      return List.of();
    }
    ModelOutput output = labelled.getFirst();
    String field = "output." + output.getName() + ".label_filename";
    Path file = folder.resolve(output.getLabelFilename()).normalize();
    if (labelled.size() > 1 || !file.startsWith(folder)) {
      faults.add(
          configFile,
          field,
          quoted(output.getLabelFilename()),
          "a file of the model's folder, for one output at most");
      return List.of();
    }
    try {
      List<String> labels =
          Files.readAllLines(file).stream().map(String::strip).filter(l -> !l.isEmpty()).toList();
      long components = output.getDimsCount() == 1 ? output.getDims(0) : Shape.ANY;
      if (components != labels.size() || new HashSet<>(labels).size() != labels.size()) {
        faults.add(
            configFile,
            field,
            labels.size() + " labels",
            "one of its own for each component of the output, " + output.getDimsList());
      }
      return labels;
    } catch (IOException e) {
      faults.add(configFile, field, e.getClass().getSimpleName(), "a readable UTF-8 file");
      return List.of();
    }
  }

  private void checkEmbeddingOutput(Signature signature, String output) {
    Optional<TensorSpec> spec = signature.output(output);
    boolean fits =
        spec.isPresent()
            && spec.get().type() == DataType.FP32
            && spec.get().shape().rank() == 1
            && spec.get().shape().isFixed();
    if (!fits) {
      faults.add(
          configFile,
          "output." + output,
          spec.map(TensorSpec::toString).orElse("missing"),
          "the row's vector: TYPE_FP32 of one known extent");
    }
  }

  private Optional<ImageProcessor> readProcessor(Optional<Signature> signature) {
    Optional<ImageProcessor> processor =
        faults.attempt(
            ASSETS, () -> ImageProcessors.read(folder.resolve("assets"), pixelType(signature)));
    processor.ifPresent(
        p -> signature.ifPresent(s -> checkInputs(s, p.outputs(), ASSETS + PREPROCESSOR)));
    return processor;
  }

  /// Reference processors make float32; a model may take less.
  private static Optional<DataType> pixelType(Optional<Signature> signature) {
    return signature.flatMap(s -> s.input("pixel_values")).map(TensorSpec::type);
  }

  private void checkInputs(Signature signature, List<TensorSpec> made, String madeBy) {
    Map<String, TensorSpec> byName = new HashMap<>();
    made.forEach(spec -> byName.put(spec.name(), spec));
    for (TensorSpec input : signature.inputs()) {
      TensorSpec spec = byName.remove(input.name());
      boolean fits = spec != null && spec.type() == input.type() && canFit(input, spec);
      if (!fits) {
        faults.add(
            configFile,
            "input." + input.name(),
            input.type() + " " + input.shape(),
            spec == null
                ? "one of " + made + ", which " + madeBy + " makes"
                : spec.type() + " " + spec.shape() + ", as " + madeBy + " makes it");
      }
    }
    byName
        .values()
        .forEach(spec -> faults.add(configFile, "input", "no " + spec.name(), spec.toString()));
  }

  /// Whether what is made can be what is wanted: equal where both are known.
  static boolean canFit(TensorSpec wanted, TensorSpec made) {
    if (wanted.shape().rank() != made.shape().rank()) {
      return false;
    }
    for (int axis = 0; axis < wanted.shape().rank(); axis++) {
      long a = wanted.shape().extent(axis);
      long b = made.shape().extent(axis);
      if (a != b && a != Shape.ANY && b != Shape.ANY) {
        return false;
      }
    }
    return true;
  }

  private Optional<Tokenizer> readTokenizer(Optional<Signature> signature) {
    Optional<Tokenizer> tokenizer =
        faults.attempt(ASSETS, () -> HuggingFaceTokenizer.read(folder.resolve("assets")));
    signature.ifPresent(s -> checkTextInputs(s, tokenizer));
    return tokenizer;
  }

  private void checkTextInputs(Signature signature, Optional<Tokenizer> tokenizer) {
    List<TensorSpec> made =
        TextInputs.SPECS.stream()
            .filter(spec ->
                spec.name().equals(TextInputs.IDS) || signature.input(spec.name()).isPresent())
            .toList();
    checkInputs(signature, made, "the tokenizer");
    long length = signature.input(TextInputs.IDS).map(spec -> spec.shape().extent(0)).orElse(-1L);
    if (tokenizer.isPresent() && length != Shape.ANY && length < tokenizer.get().maxTokens()) {
      faults.add(
          ASSETS + "tokenizer_config.json",
          "model_max_length",
          tokenizer.get().maxTokens(),
          length + " at most, the length of " + TextInputs.IDS);
    }
  }

  /// Tokens in; logits for each token out, or, of a model that generates by itself, tokens.
  private void checkDecoder(Signature signature, Decoding decoding) {
    Shape open = Shape.of(Shape.ANY);
    checkTensor("input.", signature.input("input_ids"), DataType.INT64, open);
    switch (signature.interaction()) {
      case SEQUENCE ->
          checkTensor(
              "output.",
              signature.output("logits"),
              DataType.FP32,
              Shape.of(Shape.ANY, decoding.vocabulary().size()));
      case DECOUPLED ->
          checkTensor("output.", signature.output("output_ids"), DataType.INT64, open);
      case ROWS ->
          faults.add(
              configFile, "sequence_batching", "none", "sequence_batching, or a decoupled model");
    }
  }

  private void checkTensor(String kind, Optional<TensorSpec> spec, DataType type, Shape shape) {
    if (spec.isEmpty() || spec.get().type() != type || !spec.get().shape().equals(shape)) {
      faults.add(
          configFile,
          kind + spec.map(TensorSpec::name).orElse("?"),
          spec.map(TensorSpec::toString).orElse("missing"),
          type + " " + shape + ", as docs/generation.md has it");
    }
  }

  private String digest(Path artifact) {
    try {
      return Digests.ofFile(artifact);
    } catch (IOException e) {
      faults.add(
          folder.relativize(artifact).toString(),
          "",
          e.getClass().getSimpleName(),
          "a readable file");
      return "";
    }
  }

  private String preprocessingDigest(
      Optional<ImageProcessor> processor,
      Optional<Tokenizer> tokenizer,
      Optional<Decoding> decoding) {
    return processor
        .map(p -> Digests.ofText(p.specification() + "\n" + decoder))
        .or(() -> decoding.map(d -> Digests.ofText(d.specification())))
        .or(() -> tokenizer.map(t -> Digests.ofText(t.specification())))
        .orElse("");
  }

  private String family(ModelConfig config) {
    String family = parameters(config).getOrDefault("family", "");
    return NAME.matcher(family).matches() ? family : name;
  }

  private static Map<String, String> parameters(ModelConfig config) {
    Map<String, String> parameters = new HashMap<>();
    config
        .getParametersMap()
        .forEach((key, parameter) -> parameters.put(key, parameter.getStringValue()));
    return parameters;
  }

  private static String quoted(String value) {
    return '"' + value + '"';
  }
}
