package dev.fovea;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// The walls of the house: which package may import which, and which libraries only some may use.
final class ArchitectureTest {
  private static final String ROOT = "dev.fovea";

  private static final String API = "v1";

  private static final String[] BELOW_TASK = {
    "failure",
    "call",
    "tensor",
    "kernel",
    "telemetry",
    "image",
    "text",
    "index",
    "model",
    "engine",
    "batch",
    "generate",
    "admission",
    "cache",
    "store"
  };

  /// Each package of ours and the packages of ours that it may import. A package that is missing
  /// here may not exist.
  private static final Map<String, Set<String>> MAY_IMPORT = mayImport();

  /// Packages of libraries, and the only packages of ours that may use them.
  private static final Map<String, Set<String>> ONLY_IN =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("jdk.incubator.vector", Set.of("kernel")),
              Map.entry("javax.imageio", Set.of("image", "image.codec", "cli")),
              Map.entry("java.awt", Set.of("image", "image.codec", "cli")),
              Map.entry("ai.djl", Set.of("text")),
              Map.entry("org.apache.lucene", Set.of("index")),
              Map.entry("io.weaviate", Set.of("index")),
              Map.entry("ai.onnxruntime", Set.of("engine.onnx")),
              Map.entry("com.github.benmanes.caffeine", Set.of("cache")),
              Map.entry(
                  "com.fasterxml.jackson",
                  Set.of("image", "text", "model", "generate", "store", "cli")),
              Map.entry("picocli", Set.of("app", "cli")),
              Map.entry("org.apache.parquet", Set.of("cli")),
              Map.entry("org.apache.hadoop", Set.of("cli")),
              Map.entry("io.quarkus", Set.of("app")),
              Map.entry("io.smallrye", Set.of("app")),
              Map.entry("io.micrometer", Set.of("app")),
              Map.entry("jakarta", Set.of("app")),
              Map.entry("org.eclipse.microprofile", Set.of("app")),
              Map.entry("io.netty", Set.of("app", "engine.triton")),
              Map.entry(
                  "io.grpc",
                  Set.of("rpc", "rpc.kserve", "engine.triton", "index", "app", "cli", API)),
              Map.entry("com.google.rpc", Set.of("rpc", "rpc.kserve", "cli", API)),
              Map.entry(
                  "com.google.protobuf",
                  Set.of("rpc", "rpc.kserve", "engine.triton", "model", "app", "cli", API)),
              Map.entry("inference", Set.of("model", "engine.triton", "rpc.kserve", "app"))));

  private static Map<String, Set<String>> mayImport() {
    Map<String, Set<String>> table = new TreeMap<>();
    table.put("failure", Set.of());
    table.put("call", Set.of("failure"));
    table.put("tensor", Set.of("failure"));
    table.put("kernel", Set.of());
    table.put("telemetry", Set.of("call"));
    table.put("image", Set.of("tensor", "kernel", "failure", "call", "telemetry"));
    table.put("image.codec", Set.of("image", "kernel", "failure", "call", "telemetry"));
    table.put("text", Set.of("failure"));
    table.put("index", Set.of("kernel", "failure", "call"));
    table.put("model", Set.of("image", "text", "tensor", "failure"));
    table.put("engine", Set.of("tensor", "model", "call", "failure", "telemetry"));
    for (String engine : List.of("engine.triton", "engine.onnx", "engine.scripted", "batch")) {
      table.put(engine, Set.of("engine", "model", "tensor", "call", "failure", "telemetry"));
    }
    table.put(
        "generate", Set.of("engine", "model", "text", "tensor", "call", "failure", "telemetry"));
    table.put("admission", Set.of("image", "call", "failure", "telemetry"));
    table.put("cache", Set.of("call", "failure", "telemetry"));
    table.put("store", Set.of("call", "failure"));
    table.put("task", Set.of(BELOW_TASK));
    Set<String> rpc = new TreeSet<>(Set.of(BELOW_TASK));
    rpc.addAll(Set.of("task", API));
    table.put("rpc", rpc);
    table.put(
        "rpc.kserve",
        Set.of("engine", "model", "tensor", "admission", "call", "failure", "telemetry", "rpc"));
    table.put("cli", Set.of(API));
    table.put(API, Set.of());
    Set<String> all = new TreeSet<>(table.keySet());
    table.put("app", all);
    return table;
  }

  private final JavaClasses ours =
      new ClassFileImporter().withImportOption(new DoNotIncludeTests()).importPackages(ROOT);

  @Test
  void everyPackageImportsOnlyWhatItsRowAllows() {
    MAY_IMPORT.forEach((name, allowed) ->
        classes()
            .that(resideIn(name))
            .should()
            .onlyDependOnClassesThat(
                describe(
                    "are of " + name + " or of " + allowed,
                    (JavaClass target) ->
                        !isOurs(target)
                            || packageOf(target).equals(name)
                            || allowed.contains(packageOf(target))))
            .allowEmptyShould(true)
            .check(ours));
  }

  @Test
  void everyPackageHasARowInTheTable() {
    Set<String> unknown = new TreeSet<>();
    for (JavaClass type : ours) {
      if (!MAY_IMPORT.containsKey(packageOf(type))) {
        unknown.add(type.getName());
      }
    }
    assertThat(unknown).isEmpty();
  }

  @Test
  void librariesStayInTheirRooms() {
    ONLY_IN.forEach((library, rooms) ->
        noClasses()
            .that(describe("live outside " + rooms, type -> !rooms.contains(packageOf(type))))
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(library, library + "..")
            .allowEmptyShould(true)
            .check(ours));
  }

  @Test
  void packagesFormNoCycle() {
    slices().matching(ROOT + ".(**)").should().beFreeOfCycles().check(ours);
  }

  @Test
  void timeComesFromTheInjectedClock() {
    noClasses()
        .that(
            describe(
                "are not the clock, nor the outermost layers",
                type -> !Set.of("call", "app", "cli").contains(packageOf(type))))
        .should()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Instant.class, "now")
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(Clock.class)
        .check(ours);
  }

  @Test
  void nothingSleeps() {
    noClasses().should().callMethod(Thread.class, "sleep", long.class).check(ours);
  }

  @Test
  void namesAreTheFieldsOwn() {
    List<String> vague = new ArrayList<>();
    for (JavaClass type : ours) {
      if (!packageOf(type).equals(API)
          && type.getSimpleName().matches(".*(Manager|Helper|Util|Utils|Impl)")) {
        vague.add(type.getName());
      }
    }
    assertThat(vague).isEmpty();
  }

  private static DescribedPredicate<JavaClass> resideIn(String name) {
    return describe("reside in " + name, type -> packageOf(type).equals(name));
  }

  private static boolean isOurs(JavaClass type) {
    return type.getBaseComponentType().getPackageName().startsWith(ROOT);
  }

  private static String packageOf(JavaClass type) {
    String name = type.getBaseComponentType().getPackageName();
    return name.equals(ROOT) ? "" : name.substring(Math.min(name.length(), ROOT.length() + 1));
  }
}
