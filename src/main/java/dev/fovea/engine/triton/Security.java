package dev.fovea.engine.triton;

import static java.util.Objects.requireNonNull;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;

/// How servers prove who they are, and this side to them.
///
/// @param tls how connections are encrypted; empty for connections in the clear
/// @param key what the server asks for before it serves (`--grpc-restricted-protocol`)
public record Security(Optional<Tls> tls, Optional<ProtocolKey> key) {
  public static final Security NONE = new Security(Optional.empty(), Optional.empty());

  /// @throws IllegalArgumentException when a file is not what it must be
  public Security {
    tls.ifPresent(Security::context);
  }

  /// TLS to the servers.
  ///
  /// @param trust PEM certificates of whom to trust; empty for those that the JVM trusts
  /// @param client who this side is, where servers ask
  /// @param serverName the name that certificates must be for; empty for the one that is called
  public record Tls(Optional<Path> trust, Optional<Identity> client, Optional<String> serverName) {
    public Tls {
      trust.ifPresent(file -> requireReadable("trust certificate", file));
    }
  }

  /// A certificate and its key.
  ///
  /// @param certificate PEM, with its chain
  /// @param key PEM, PKCS #8, not encrypted
  public record Identity(Path certificate, Path key) {
    public Identity {
      requireReadable("client certificate", certificate);
      requireReadable("client key", key);
    }
  }

  /// What a server that is started with `--grpc-restricted-protocol=...:NAME=VALUE` wants to see.
  /// It says its name and never its value.
  public record ProtocolKey(String name, String value) {
    private static final Pattern NAME_AND_VALUE =
        Pattern.compile("([a-z0-9_.-]{1,64})=([\\x21-\\x7e]{1,1024})");

    /// @param setting `NAME=VALUE`
    public static ProtocolKey of(String setting) {
      Matcher parts = NAME_AND_VALUE.matcher(setting.strip());
      if (!parts.matches()) {
        throw new IllegalArgumentException(
            "protocol key: not shown (expected: NAME=VALUE, a name of lower-case letters, digits,"
                + " '_', '-' or '.', a value of visible ASCII characters)");
      }
      return new ProtocolKey(requireNonNull(parts.group(1)), requireNonNull(parts.group(2)));
    }

    @Override
    public String toString() {
      return "ProtocolKey[name=" + name + "]";
    }
  }

  private static void requireReadable(String what, Path file) {
    if (!Files.isReadable(file)) {
      throw new IllegalArgumentException(what + ": " + file + " (expected: a file to be read)");
    }
  }

  /// Has a channel's connections secured this way.
  NettyChannelBuilder apply(NettyChannelBuilder builder) {
    key.ifPresent(secret -> builder.intercept(new Telling(secret)));
    if (tls.isEmpty()) {
      return builder.usePlaintext();
    }
    tls.get().serverName().ifPresent(builder::overrideAuthority);
    return builder.useTransportSecurity().sslContext(context(tls.get()));
  }

  private static SslContext context(Tls tls) {
    try {
      SslContextBuilder context = GrpcSslContexts.forClient();
      tls.trust().map(Path::toFile).ifPresent(context::trustManager);
      tls.client()
          .ifPresent(
              client -> context.keyManager(client.certificate().toFile(), client.key().toFile()));
      return context.build();
    } catch (SSLException | IllegalArgumentException e) {
      throw new IllegalArgumentException("TLS to Triton: " + e.getMessage(), e);
    }
  }

  /// Puts the key into every call's headers.
  private static final class Telling implements ClientInterceptor {
    private final Metadata.Key<String> header;
    private final String value;

    Telling(ProtocolKey key) {
      this.header =
          Metadata.Key.of("triton-grpc-protocol-" + key.name(), Metadata.ASCII_STRING_MARSHALLER);
      this.value = key.value();
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          headers.put(header, value);
          super.start(listener, headers);
        }
      };
    }
  }
}
