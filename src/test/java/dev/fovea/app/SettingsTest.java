package dev.fovea.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.image.codec.JpegDecoding;
import dev.fovea.task.ReuseEmbeddings;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.WithDefault;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class SettingsTest {
  private static final Pattern ROW =
      Pattern.compile("\\| `(fovea\\.[a-z.-]+)` \\| (?:`([^`]*)`)? ?\\|.*");

  @Test
  void documentListsEverySettingWithItsDefault() throws IOException {
    Map<String, String> documented = new TreeMap<>();
    for (String line : Files.readAllLines(Path.of("docs/configuration.md"))) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        documented.put(row.group(1), row.group(2) == null ? "" : row.group(2));
      }
    }

    assertThat(documented).isEqualTo(defaults("fovea", Settings.class));
  }

  /// Names and defaults as the interface states them.
  static Map<String, String> defaults(String prefix, Class<?> group) {
    Map<String, String> defaults = new TreeMap<>();
    for (Method setting : group.getDeclaredMethods()) {
      if (setting.isSynthetic()) {
        continue;
      }
      String name = prefix + "." + kebab(setting.getName());
      if (setting.getReturnType().isMemberClass() && setting.getReturnType().isInterface()) {
        defaults.putAll(defaults(name, setting.getReturnType()));
      } else {
        WithDefault otherwise = setting.getAnnotation(WithDefault.class);
        defaults.put(name, otherwise == null ? "" : otherwise.value());
      }
    }
    return defaults;
  }

  private static String kebab(String name) {
    return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }

  @Test
  void everySettingIsMapped() {
    Map<String, String> given = new HashMap<>();
    defaults("fovea", Settings.class)
        .forEach((name, otherwise) -> given.put(name, another(name, otherwise)));

    Settings settings = TestGateway.settings(given);

    assertThat(settings.home()).isEqualTo(Path.of("/program"));
    assertThat(settings.repository()).isEqualTo(Path.of("/models"));
    assertThat(settings.modelConfigName()).contains("other");
    assertThat(settings.repositoryPollInterval()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.defaultFamily()).contains("other");
    assertThat(settings.grpc().host()).isEqualTo("0.0.0.0");
    assertThat(settings.grpc().port()).isEqualTo(9001);
    assertThat(settings.grpc().reflection()).isFalse();
    assertThat(settings.grpc().maxMessageBytes()).isEqualTo(67_108_865);
    assertThat(settings.grpc().maxHeaderListBytes()).isEqualTo(16_385);
    assertThat(settings.grpc().maxConcurrentCalls()).isEqualTo(1025);
    assertThat(settings.grpc().maxResets()).isEqualTo(1025);
    assertThat(settings.grpc().resetWindow()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.grpc().permitKeepAlive()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.grpc().keepAlive()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.grpc().keepAliveTimeout()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.grpc().maxConnectionIdle()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.grpc().maxConnectionAge()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.grpc().maxConnectionAgeGrace()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.http().host()).isEqualTo("0.0.0.0");
    assertThat(settings.http().port()).isEqualTo(8081);
    assertThat(settings.call().defaultDeadline()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.call().maxDeadline()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.call().trustCallerHeader()).isTrue();
    assertThat(settings.limits().maxImageBytes()).isEqualTo(20_971_521);
    assertThat(settings.limits().maxImagePixels()).isEqualTo(50_000_001);
    assertThat(settings.limits().maxImageSide()).isEqualTo(16_385);
    assertThat(settings.limits().maxImageAspect()).isEqualTo(201);
    assertThat(settings.limits().maxDecodedBytes()).isEqualTo(536_870_913);
    assertThat(settings.limits().maxItems()).isEqualTo(257);
    assertThat(settings.limits().maxTextCharacters()).isEqualTo(8193);
    assertThat(settings.limits().maxLabels()).isEqualTo(4097);
    assertThat(settings.limits().maxPrompts()).isEqualTo(16_385);
    assertThat(settings.uploads().timeToLive()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.uploads().maxImages()).isEqualTo(4097);
    assertThat(settings.uploads().maxBytes()).isEqualTo(268_435_457);
    assertThat(settings.uploads().maxImagesPerCaller()).isEqualTo(1025);
    assertThat(settings.uploads().maxBytesPerCaller()).isEqualTo(67_108_865);
    assertThat(settings.cache().maxBytes()).isEqualTo(1);
    assertThat(settings.cache().sharing()).isEqualTo(ReuseEmbeddings.Sharing.SERVER);
    assertThat(settings.labelSets().folder()).contains(Path.of("other"));
    assertThat(settings.labelSets().maxSets()).isEqualTo(1001);
    assertThat(settings.image().jpegDecoder()).isEqualTo(JpegDecoding.JAVA);
    assertThat(settings.cpu().width()).hasValue(3);
    assertThat(settings.engine().queueSize()).isEqualTo(257);
    assertThat(settings.triton().servers()).contains(List.of("other"));
    assertThat(settings.triton().connections()).isEqualTo(3);
    assertThat(settings.triton().maxAnswerBytes()).isEqualTo(67_108_865);
    assertThat(settings.triton().watchInterval()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.triton().probeTimeout()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.triton().openWait()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.triton().batching()).isEqualTo(Batching.GATEWAY);
    assertThat(settings.triton().sharedMemoryBytes()).isOne();
    assertThat(settings.triton().sharedMemoryFrom()).isEqualTo(65_537);
    assertThat(settings.triton().tls()).isTrue();
    assertThat(settings.triton().trustCertificate()).contains(Path.of("other"));
    assertThat(settings.triton().clientCertificate()).contains(Path.of("other"));
    assertThat(settings.triton().clientKey()).contains(Path.of("other"));
    assertThat(settings.triton().serverName()).contains("other");
    assertThat(settings.triton().protocolKey()).contains("other");
    assertThat(settings.kserve().enabled()).isTrue();
    assertThat(settings.drain().delay()).isEqualTo(Duration.ofSeconds(7));
    assertThat(settings.drain().grace()).isEqualTo(Duration.ofSeconds(7));
  }

  /// A value that is not the default.
  private static String another(String name, String otherwise) {
    return switch (otherwise) {
      case "true" -> "false";
      case "false" -> "true";
      case "${fovea.home}/model-repository" -> "/models";
      case "." -> "/program";
      case "auto" -> "java";
      case "caller" -> "server";
      case "triton" -> "gateway";
      case "127.0.0.1" -> "0.0.0.0";
      case "" -> name.endsWith("width") ? "3" : "other";
      default -> otherwise.matches("[0-9]+") ? String.valueOf(Long.parseLong(otherwise) + 1) : "7s";
    };
  }

  @Test
  void nameThatDoesNotExistIsAnError() {
    assertThatThrownBy(() -> TestGateway.settings(Map.of("fovea.limits.max-itmes", "3")))
        .isInstanceOf(ConfigValidationException.class)
        .hasMessageContaining("fovea.limits.max-itmes");
  }

  @Test
  void valueThatIsNoneIsAnErrorThatNamesTheSetting() {
    assertThatThrownBy(() -> TestGateway.settings(Map.of("fovea.grpc.port", "nine")))
        .isInstanceOf(ConfigValidationException.class)
        .hasMessageContaining("fovea.grpc.port");
  }
}
