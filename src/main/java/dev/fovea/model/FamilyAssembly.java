package dev.fovea.model;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.Predicate;

/// Joins the models that name the same family, and sees to it that they belong together.
final class FamilyAssembly {
  private final String name;
  private final List<ModelFolder> folders;
  private final List<Fault> faults = new ArrayList<>();

  private FamilyAssembly(String name, List<ModelFolder> folders) {
    this.name = name;
    this.folders = folders;
  }

  /// @throws FaultyConfigurationException with the faults of every member, and those of the family
  ///   as a whole
  static ModelFamily assemble(String name, List<ModelFolder> folders) {
    return new FamilyAssembly(name, folders).assemble();
  }

  private ModelFamily assemble() {
    folders.forEach(folder -> faults.addAll(folder.faults()));
    refuseIfFaulty();
    Map<Role, ServableModel> members = members();
    Optional<EmbeddingSpace> space = space();
    checkReaders(members);
    refuseIfFaulty();
    return new ModelFamily(name, members, space);
  }

  /// Models that read what the vision encoder has seen were trained on that encoder's features: the
  /// family must have it, in the same space, with an output that fits.
  private void checkReaders(Map<Role, ServableModel> members) {
    Optional<ServableModel> vision = Optional.ofNullable(members.get(Role.VISION));
    for (ServableModel model : members.values()) {
      if (model.role().isEncoder()) {
        continue;
      }
      String features = model.imageFeatures();
      Optional<TensorSpec> seen = vision.flatMap(v -> v.signature().output(features));
      Optional<TensorSpec> read = model.signature().input(model.imageFeaturesInput());
      boolean fits =
          seen.isPresent()
              && read.isPresent()
              && seen.get().type() == read.get().type()
              && ModelFolderReader.canFit(read.get(), seen.get());
      if (fits) {
        checkHead(vision.orElseThrow(), model);
      } else {
        fault(
            model,
            ModelConfigFile.NAME,
            "parameters." + ServableModel.IMAGE_FEATURES,
            features,
            "an output of the family's vision model ("
                + seen.map(TensorSpec::toString).orElse("it has none of that name")
                + ") and an input of this one ("
                + read.map(TensorSpec::toString).orElse("it has none of that name")
                + ") that fit each other");
      }
    }
  }

  /// A model that answers in one step takes nothing but what the vision encoder had and made, and
  /// has the output that its role promises.
  private void checkHead(ServableModel vision, ServableModel model) {
    switch (model.role()) {
      case VISION, TEXT, DECODER -> {}
      case DEPTH -> {
        checkOtherInputs(vision, model);
        checkHeadOutput(
            model,
            Role.DEPTHS,
            spec -> spec.shape().rank() == 2 && isSquare(spec.shape().extent(1)),
            "FP32 [-1,n], n a square number of cells of a patch");
        if (!vision.imageProcessor().orElseThrow().tellsGrid()) {
          fault(
              model,
              ModelConfigFile.NAME,
              "parameters.role",
              model.role().label(),
              "an image processor of " + vision.name() + " that makes patches in raster order");
        }
      }
      case EMOTION -> {
        checkOtherInputs(vision, model);
        checkHeadOutput(
            model,
            Role.LOGITS,
            spec -> spec.shape().rank() == 1 && !model.labels().isEmpty(),
            "FP32 [n], with a label_filename of n labels");
      }
    }
  }

  private static boolean isSquare(long number) {
    long root = Math.round(Math.sqrt(number));
    return number > 0 && root * root == number;
  }

  private void checkOtherInputs(ServableModel vision, ServableModel model) {
    for (TensorSpec input : model.signature().inputs()) {
      Optional<TensorSpec> given = vision.signature().input(input.name());
      boolean fits =
          input.name().equals(model.imageFeaturesInput())
              || (given.isPresent()
                  && given.get().type() == input.type()
                  && ModelFolderReader.canFit(input, given.get()));
      if (!fits) {
        fault(
            model,
            ModelConfigFile.NAME,
            "input." + input.name(),
            input,
            model.imageFeaturesInput() + ", or an input of " + vision.name());
      }
    }
  }

  private void checkHeadOutput(
      ServableModel model, String output, Predicate<TensorSpec> fits, String expected) {
    Optional<TensorSpec> spec = model.signature().output(output);
    if (spec.filter(s -> s.type() == DataType.FP32).filter(fits).isEmpty()) {
      fault(
          model,
          ModelConfigFile.NAME,
          "output." + output,
          spec.map(TensorSpec::toString).orElse("missing"),
          expected);
    }
  }

  private void refuseIfFaulty() {
    if (!faults.isEmpty()) {
      throw new FaultyConfigurationException(faults);
    }
  }

  private Map<Role, ServableModel> members() {
    Map<Role, ServableModel> members = new EnumMap<>(Role.class);
    for (ModelFolder folder : folders) {
      ServableModel model = folder.model().orElseThrow();
      ServableModel other = members.putIfAbsent(model.role(), model);
      if (other != null) {
        fault(
            model,
            ModelConfigFile.NAME,
            "parameters.role",
            model.role().label(),
            "a role of its own: " + other.name() + " has it in family " + name);
      }
    }
    return members;
  }

  private Optional<EmbeddingSpace> space() {
    ModelFolder first = folders.getFirst();
    for (ModelFolder folder : folders) {
      if (!folder.space().equals(first.space())) {
        fault(
            folder.model().orElseThrow(),
            ModelConfigFile.NAME,
            "parameters.space",
            folder.space(),
            agreement(first.space()));
      }
    }
    List<ModelFolder> encoders =
        folders.stream().filter(f -> f.model().orElseThrow().role().isEncoder()).toList();
    if (encoders.isEmpty()) {
      return Optional.empty();
    }
    int dimension = dimension(encoders.getFirst());
    for (ModelFolder folder : encoders) {
      ServableModel model = folder.model().orElseThrow();
      if (dimension(folder) != dimension) {
        fault(
            model,
            ModelConfigFile.NAME,
            "output." + model.embeddingOutput() + ".dims",
            dimension(folder),
            agreement(dimension));
      }
      folder
          .settings()
          .projectionDim()
          .ifPresent(stated -> {
            if (stated != dimension(folder)) {
              fault(
                  model,
                  "assets/" + EmbeddingSettings.FILE,
                  "projection_dim",
                  stated,
                  dimension(folder) + ", as " + model.embeddingOutput() + " has it");
            }
          });
      folder
          .settings()
          .rejectionMargin()
          .map(margin -> margin.background().size())
          .ifPresent(components -> {
            if (components != dimension) {
              fault(
                  model,
                  "assets/" + EmbeddingSettings.FILE,
                  "rejection_background",
                  components + " components",
                  dimension + ", as vectors have");
            }
          });
    }
    List<String> templates =
        agreed("hypothesis_templates", EmbeddingSettings::hypothesisTemplates, List.of());
    return Optional.of(
        new EmbeddingSpace(
            first.space(),
            dimension,
            agreed("matryoshka_dims", EmbeddingSettings::outputDimensions, List.of()),
            agreed("logit_scale", EmbeddingSettings::singleLabel, Optional.empty()),
            agreed("multi_label_scale", EmbeddingSettings::multiLabel, Optional.empty()),
            agreed("patch_scale", EmbeddingSettings::patches, Optional.empty()),
            templates.isEmpty() ? List.of("{}") : templates,
            agreed(
                "rejection_threshold",
                EmbeddingSettings::rejectionThreshold,
                OptionalDouble.empty()),
            agreed("rejection_margin", EmbeddingSettings::rejectionMargin, Optional.empty())));
  }

  /// What all members that say something say; what none says is `nothing`.
  private <T> T agreed(String key, Function<EmbeddingSettings, T> setting, T nothing) {
    T agreed = nothing;
    for (ModelFolder folder : folders) {
      T stated = setting.apply(folder.settings());
      if (agreed.equals(nothing)) {
        agreed = stated;
      } else if (!stated.equals(nothing) && !stated.equals(agreed)) {
        fault(
            folder.model().orElseThrow(),
            "assets/" + EmbeddingSettings.FILE,
            key,
            stated,
            agreement(agreed));
      }
    }
    return agreed;
  }

  private static int dimension(ModelFolder folder) {
    ServableModel model = folder.model().orElseThrow();
    return Math.toIntExact(
        model.signature().output(model.embeddingOutput()).orElseThrow().shape().extent(0));
  }

  private static String agreement(Object value) {
    return value + ", as the other members of its family";
  }

  private void fault(
      ServableModel model, String file, String field, Object value, String expected) {
    faults.add(new Fault(model.name() + "/" + file, field, String.valueOf(value), expected));
  }
}
