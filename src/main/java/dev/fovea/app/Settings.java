package dev.fovea.app;

import dev.fovea.image.codec.JpegDecoding;
import dev.fovea.task.ReuseEmbeddings;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Every setting, under the prefix `fovea`. Sources, the first that says something wins: command
/// line, system properties (`-Dfovea.grpc.port=9001`), environment (`FOVEA_GRPC_PORT`),
/// `config/application.properties` in the working directory, the defaults here.
/// `docs/configuration.md` lists them all; a test holds the two together.
@ConfigMapping(prefix = "fovea")
public interface Settings {
  /// The folder that the program lies in; the launcher says so.
  @WithDefault(".")
  Path home();

  /// The model repository.
  @WithDefault("${fovea.home}/model-repository")
  Path repository();

  /// The family that answers when a caller names none. Nothing said: the only one that can do the
  /// task.
  Optional<String> defaultFamily();

  /// Which configuration of a model is read, as Triton's `--model-config-name`:
  /// `configs/NAME.pbtxt` where a model has it.
  Optional<String> modelConfigName();

  /// Time between two looks at whether the model repository has changed. Zero: it is read once, at
  /// the start.
  @WithDefault("0s")
  Duration repositoryPollInterval();

  Grpc grpc();

  Http http();

  Call call();

  Limits limits();

  Uploads uploads();

  Cache cache();

  LabelSets labelSets();

  Image image();

  Cpu cpu();

  Admission admission();

  Engine engine();

  Triton triton();

  Kserve kserve();

  Drain drain();

  /// The gRPC server.
  interface Grpc {
    /// Address that is listened on. Loopback unless told otherwise.
    @WithDefault("127.0.0.1")
    String host();

    /// Port that is listened on; 0 picks a free one.
    @WithDefault("9000")
    int port();

    /// Whether clients may ask which services there are.
    @WithDefault("true")
    boolean reflection();

    /// Bytes of one request message.
    @WithDefault("67108864")
    int maxMessageBytes();

    /// Bytes of one request's headers.
    @WithDefault("16384")
    int maxHeaderListBytes();

    /// Calls under way at once on one connection. More wait at the client, where nobody can refuse
    /// them: so many that a client meets admission first.
    @WithDefault("1024")
    int maxConcurrentCalls();

    /// Streams that a client may reset within [#resetWindow] before its connection is closed (Rapid
    /// Reset). Each call whose deadline passes at the client is one, so an honest client has no
    /// more of them a second than calls under way.
    @WithDefault("1024")
    int maxResets();

    /// The window of [#maxResets], in whole seconds.
    @WithDefault("1s")
    Duration resetWindow();

    /// Least time between two pings of a client.
    @WithDefault("10s")
    Duration permitKeepAlive();

    /// Time without a sign of life after which the server pings.
    @WithDefault("60s")
    Duration keepAlive();

    /// Time that a ping may take to be answered before the connection is closed.
    @WithDefault("20s")
    Duration keepAliveTimeout();

    /// Time without calls after which a connection is closed.
    @WithDefault("15m")
    Duration maxConnectionIdle();

    /// Age at which a connection is asked to end, so that clients look for new servers. Spread by a
    /// tenth either way.
    @WithDefault("30m")
    Duration maxConnectionAge();

    /// Time that calls may still take on a connection that was asked to end.
    @WithDefault("5m")
    Duration maxConnectionAgeGrace();
  }

  /// The HTTP server: health and metrics.
  interface Http {
    /// Address that is listened on. Loopback unless told otherwise.
    @WithDefault("127.0.0.1")
    String host();

    /// Port that is listened on; 0 picks a free one.
    @WithDefault("8080")
    int port();
  }

  /// What holds for every call.
  interface Call {
    /// How long a call may take that states no deadline.
    @WithDefault("30s")
    Duration defaultDeadline();

    /// How long a call may take at most, whatever it states.
    @WithDefault("300s")
    Duration maxDeadline();

    /// Whether the request header `fovea-caller` is believed. Only behind a proxy that sets it.
    @WithDefault("false")
    boolean trustCallerHeader();
  }

  /// What a call may hold.
  interface Limits {
    /// Bytes of one encoded image.
    @WithDefault("20971520")
    long maxImageBytes();

    /// Width × height of one image.
    @WithDefault("50000000")
    long maxImagePixels();

    /// Pixels of an image's longer side.
    @WithDefault("16384")
    int maxImageSide();

    /// Longer side ÷ shorter side of an image.
    @WithDefault("200")
    int maxImageAspect();

    /// Bytes that all images being decoded may take at once. When full, calls wait until their
    /// deadline.
    @WithDefault("536870912")
    long maxDecodedBytes();

    /// Items of one call.
    @WithDefault("256")
    int maxItems();

    /// Characters of one text.
    @WithDefault("8192")
    int maxTextCharacters();

    /// Labels of one call.
    @WithDefault("4096")
    int maxLabels();

    /// Labels × prompts × templates of one call.
    @WithDefault("16384")
    int maxPrompts();
  }

  /// Images that callers upload and name by handles. What is on its way counts as what is kept; an
  /// upload that there is no room for is refused with `IMAGE_STORE_FULL`.
  interface Uploads {
    /// How long an image is kept.
    @WithDefault("1h")
    Duration timeToLive();

    /// Images of all callers.
    @WithDefault("4096")
    int maxImages();

    /// Bytes of all images.
    @WithDefault("268435456")
    long maxBytes();

    /// Images of one caller.
    @WithDefault("1024")
    int maxImagesPerCaller();

    /// Bytes of the images of one caller.
    @WithDefault("67108864")
    long maxBytesPerCaller();
  }

  /// Vectors that are kept, so that the same content is embedded once.
  interface Cache {
    /// Bytes of all vectors. Zero: none is kept, and equal items are embedded one by one.
    @WithDefault("0")
    long maxBytes();

    /// Bytes of what the vision encoder has seen of images, which decoders read: asked about again,
    /// an image is not looked at again. Zero: none is kept.
    @WithDefault("67108864")
    long maxFeatureBytes();

    /// Who finds what was made for a caller: `caller`, that caller alone; `server`, everybody.
    @WithDefault("caller")
    ReuseEmbeddings.Sharing sharing();
  }

  /// Sets of labels that callers have the server keep.
  interface LabelSets {
    /// The folder that they are kept in; gateways may share it. Nothing said: none are kept.
    Optional<Path> folder();

    /// How many are kept.
    @WithDefault("1000")
    int maxSets();
  }

  /// Decoding images.
  interface Image {
    /// Who decodes JPEG files: `auto`, libjpeg-turbo where the machine has it, for the files on
    /// which it and the JDK agree to the byte; `java`, the JDK alone; `native`, libjpeg-turbo for
    /// all, and no start without it.
    @WithDefault("auto")
    JpegDecoding jpegDecoder();
  }

  /// Work on the processors.
  interface Cpu {
    /// Pieces of decoding, resizing and tokenising at once. Nothing said: one a processor.
    OptionalInt width();
  }

  /// How much may be under way at once. The level finds itself between the bounds; beyond it calls
  /// are refused with `QUEUE_FULL`, and callers that have more than their share of it with
  /// `RATE_LIMITED`.
  interface Admission {
    /// Items that may be under way before anything is known.
    @WithDefault("256")
    int startItems();

    /// Items that may be under way at least.
    @WithDefault("8")
    int leastItems();

    /// Items that may be under way at most.
    @WithDefault("16384")
    int mostItems();

    /// How long items may wait for the engine on average.
    @WithDefault("500ms")
    Duration queueDelay();
  }

  /// The engine.
  interface Engine {
    /// Full batches of one model whose rows may wait for an instance. When more would wait, calls
    /// are refused with `QUEUE_FULL`.
    @WithDefault("256")
    int queueSize();
  }

  /// The bridge to Triton. Without servers the models run in this process.
  interface Triton {
    /// The servers: `host:port`, or `dns:///host:port` for one at every address of a name.
    Optional<List<String>> servers();

    /// Connections to each server.
    @WithDefault("2")
    int connections();

    /// Bytes of the largest answer that is read.
    @WithDefault("67108864")
    int maxAnswerBytes();

    /// Time between two looks at whether a server and its models are ready.
    @WithDefault("500ms")
    Duration watchInterval();

    /// Time that such a look may take.
    @WithDefault("1s")
    Duration probeTimeout();

    /// Time that the start waits for a server that has a model.
    @WithDefault("10s")
    Duration openWait();

    /// Who brings the rows of several calls together.
    @WithDefault("triton")
    Batching batching();

    /// Bytes of memory that is shared with each server of this machine; 0 for none.
    @WithDefault("0")
    long sharedMemoryBytes();

    /// Bytes of a request's tensors from which they are put there.
    @WithDefault("65536")
    long sharedMemoryFrom();

    /// Whether connections are encrypted and servers have to prove who they are.
    @WithDefault("false")
    boolean tls();

    /// PEM file of the certificates that servers are trusted by; without one those of the JVM.
    Optional<Path> trustCertificate();

    /// PEM file of this side's certificate and its chain, where servers ask for it.
    Optional<Path> clientCertificate();

    /// PEM file of its key: PKCS #8, not encrypted.
    Optional<Path> clientKey();

    /// The name that certificates of servers must be for; without one the name that is called.
    Optional<String> serverName();

    /// `NAME=VALUE`, for servers that restrict their protocols to who knows it. Never logged.
    Optional<String> protocolKey();
  }

  /// The standard inference protocol, for clients that bring tensors of their own.
  interface Kserve {
    /// Whether it is served.
    @WithDefault("false")
    boolean enabled();
  }

  /// The end.
  interface Drain {
    /// Time between saying NOT_SERVING and taking no more connections, for load balancers to
    /// notice.
    @WithDefault("0s")
    Duration delay();

    /// Time that calls under way may still take.
    @WithDefault("30s")
    Duration grace();
  }
}
