package dev.fovea.engine.triton;

import static dev.fovea.engine.ContractModel.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.call.Deadline;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.ContractScript;
import dev.fovea.engine.InferRequest;
import dev.fovea.engine.Lease;
import dev.fovea.engine.triton.Security.Identity;
import dev.fovea.engine.triton.Security.ProtocolKey;
import dev.fovea.engine.triton.Security.Tls;
import dev.fovea.fake.Await;
import dev.fovea.fake.Certificates;
import dev.fovea.fake.FakeTriton;
import dev.fovea.fake.RealTriton;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Servers that prove who they are, ask who calls, or want to see a key.
@Timeout(60)
final class SecurityTest {
  private static final Clock CLOCK = Clock.system();
  private static final String NAME = "triton.test";
  private static final Duration LONG = Duration.ofSeconds(20);

  @TempDir private Path folder;

  private FakeTriton encrypted(Certificates server, Optional<Certificates> clients) {
    return FakeTriton.startSecured(
        builder -> {
          try {
            SslContextBuilder context =
                GrpcSslContexts.forServer(server.certificate().toFile(), server.key().toFile());
            clients.ifPresent(trusted ->
                context
                    .trustManager(trusted.certificate().toFile())
                    .clientAuth(ClientAuth.REQUIRE));
            return builder.sslContext(context.build());
          } catch (SSLException e) {
            throw new IllegalStateException(e);
          }
        },
        new ContractScript(),
        ContractModel.servable());
  }

  private static TritonSettings settings(String address, Security security) {
    return new TritonSettings(
            List.of(address),
            1,
            8,
            64 << 20,
            Duration.ofMillis(50),
            Duration.ofSeconds(2),
            Duration.ofSeconds(1))
        .with(security);
  }

  private static Security tls(
      Optional<Path> trust, Optional<Identity> client, Optional<String> name) {
    return new Security(Optional.of(new Tls(trust, client, name)), Optional.empty());
  }

  private static boolean answers(Lease lease) throws InterruptedException {
    return Rows.doubled(
            lease,
            new InferRequest(
                List.of(row(1)),
                Set.of("doubled"),
                Deadline.after(CLOCK, LONG),
                new StageTimings(CLOCK, StageListener.none())))[0]
        == 3;
  }

  private static void assertServed(FakeTriton triton, Security security) throws Exception {
    try (TritonEngine engine = new TritonEngine(settings(triton.address(), security), CLOCK);
        Lease lease = engine.open(ContractModel.servable())) {
      Await.until("ready", LONG, lease::ready);
      assertThat(answers(lease)).isTrue();
    }
  }

  private static void assertNotServed(FakeTriton triton, Security security) {
    try (TritonEngine engine = new TritonEngine(settings(triton.address(), security), CLOCK);
        Lease lease = engine.open(ContractModel.servable())) {
      assertThat(lease.ready()).isFalse();
    }
  }

  @Test
  void serverIsTrustedByItsCertificateAndTheNameItMustBeFor() throws Exception {
    Certificates server = Certificates.make(folder, NAME);
    Certificates another = Certificates.make(folder, "another.test");
    try (FakeTriton triton = encrypted(server, Optional.empty())) {
      assertServed(
          triton, tls(Optional.of(server.certificate()), Optional.empty(), Optional.of(NAME)));
      // The certificate is for the name, and not for the address that is called.
      assertNotServed(
          triton, tls(Optional.of(server.certificate()), Optional.empty(), Optional.empty()));
      assertNotServed(
          triton, tls(Optional.of(another.certificate()), Optional.empty(), Optional.of(NAME)));
      assertNotServed(triton, tls(Optional.empty(), Optional.empty(), Optional.of(NAME)));
      assertNotServed(triton, Security.NONE);
      assertThat(triton.requests()).isOne();
    }
  }

  @Test
  void serverThatAsksWhoCallsIsShownACertificate() throws Exception {
    Certificates server = Certificates.make(folder, NAME);
    Certificates gateway = Certificates.make(folder, "gateway.test");
    try (FakeTriton triton = encrypted(server, Optional.of(gateway))) {
      assertServed(
          triton,
          tls(
              Optional.of(server.certificate()),
              Optional.of(new Identity(gateway.certificate(), gateway.key())),
              Optional.of(NAME)));
      assertNotServed(
          triton, tls(Optional.of(server.certificate()), Optional.empty(), Optional.of(NAME)));
      assertNotServed(
          triton,
          tls(
              Optional.of(server.certificate()),
              Optional.of(new Identity(server.certificate(), server.key())),
              Optional.of(NAME)));
    }
  }

  @Test
  void filesThatAreNotWhatTheyMustBeAreNamedAtOnce() throws IOException {
    Path nonsense = Files.writeString(folder.resolve("nonsense.pem"), "nonsense");
    Certificates sound = Certificates.make(folder, NAME);

    assertThatThrownBy(() -> tls(Optional.of(nonsense), Optional.empty(), Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nonsense.pem");
    assertThatThrownBy(() ->
            tls(
                Optional.empty(),
                Optional.of(new Identity(sound.certificate(), nonsense)),
                Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nonsense.pem");
    assertThatThrownBy(() ->
            new Tls(Optional.of(folder.resolve("missing")), Optional.empty(), Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("trust certificate");
  }

  @Test
  void everyCallBringsTheKeyAndNobodyIsTold() throws Exception {
    Metadata.Key<String> header =
        Metadata.Key.of("triton-grpc-protocol-fovea-key", Metadata.ASCII_STRING_MARSHALLER);
    List<String> refused = new CopyOnWriteArrayList<>();
    UnaryOperator<NettyServerBuilder> restricted =
        builder ->
            builder.intercept(
                new ServerInterceptor() {
                  @Override
                  public <Q, A> ServerCall.Listener<Q> interceptCall(
                      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
                    if ("s3cret-value".equals(headers.get(header))) {
                      return next.startCall(call, headers);
                    }
                    refused.add(call.getMethodDescriptor().getBareMethodName());
                    call.close(
                        Status.UNAVAILABLE.withDescription("This protocol is restricted"),
                        new Metadata());
                    return new ServerCall.Listener<>() {};
                  }
                });
    ProtocolKey key = ProtocolKey.of("fovea-key=s3cret-value");
    try (Log log = new Log();
        FakeTriton triton =
            FakeTriton.startSecured(restricted, new ContractScript(), ContractModel.servable())) {
      Security known = new Security(Optional.empty(), Optional.of(key));
      assertServed(triton, known);
      assertThat(refused).isEmpty();

      assertNotServed(
          triton, new Security(Optional.empty(), Optional.of(ProtocolKey.of("fovea-key=another"))));
      assertNotServed(triton, Security.NONE);
      assertThat(refused).isNotEmpty();
      assertThat(log.lines).isNotEmpty().noneMatch(line -> line.contains("s3cret-value"));
      assertThat(settings(triton.address(), known).toString())
          .contains("fovea-key")
          .doesNotContain("s3cret-value");
    }
  }

  @Test
  void keyThatIsNoneIsRefusedWithoutBeingShown() {
    for (String wrong : List.of("", "s3cret", "=s3cret", "Name=s3cret", "a=s3 cret", "a=")) {
      assertThatThrownBy(() -> ProtocolKey.of(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .message()
          .contains("expected: NAME=VALUE")
          .doesNotContain("s3");
    }
  }

  @Test
  void realServerServesWhoKnowsItsKey() throws Exception {
    try (RealTriton triton =
            RealTriton.start("--grpc-restricted-protocol=inference:fovea-key=s3cret-value");
        TritonEngine engine =
            new TritonEngine(
                TritonSettings.of(triton.address(), 8)
                    .with(
                        new Security(
                            Optional.empty(),
                            Optional.of(ProtocolKey.of("fovea-key=s3cret-value")))),
                CLOCK);
        Lease lease = engine.open(ContractModel.servable())) {
      assertThat(answers(lease)).isTrue();
    }
  }

  /// Everything that is logged meanwhile.
  private static final class Log extends Handler implements AutoCloseable {
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger root = Logger.getLogger("");

    Log() {
      root.addHandler(this);
    }

    @Override
    public void publish(LogRecord entry) {
      List<Object> parts = new ArrayList<>(List.of(String.valueOf(entry.getMessage())));
      if (entry.getParameters() != null) {
        parts.addAll(List.of(entry.getParameters()));
      }
      parts.add(String.valueOf(entry.getThrown()));
      lines.add(parts.toString());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
      root.removeHandler(this);
    }
  }
}
