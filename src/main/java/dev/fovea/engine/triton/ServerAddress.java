package dev.fovea.engine.triton;

import io.grpc.netty.NettyChannelBuilder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where one server is: a name and a port, or one of the addresses that the name stands for.
///
/// @param host the name
/// @param port the port
/// @param address one address of the name; empty for whichever it stands for when a connection is
///   made
record ServerAddress(String host, int port, String address) {
  private static final String EACH = "dns:///";
  private static final Pattern HOST_AND_PORT =
      Pattern.compile("(\\[[0-9a-fA-F:.]+]|[A-Za-z0-9._-]+):([0-9]{1,5})");

  /// What addresses a name has at this moment.
  interface Names {
    List<InetAddress> addresses(String host) throws UnknownHostException;

    /// As the system has them.
    static Names system() {
      return host -> List.of(InetAddress.getAllByName(host));
    }
  }

  /// The servers that a setting names at this moment.
  static List<ServerAddress> of(String setting, Names names) {
    Matcher parts = check(setting);
    String host = parts.group(1);
    int port = Integer.parseInt(parts.group(2));
    return changes(setting)
        ? lookUp(host, port, names)
        : List.of(new ServerAddress(host, port, ""));
  }

  /// @throws IllegalArgumentException when it is not `host:port` or `dns:///host:port`
  static Matcher check(String setting) {
    Matcher parts =
        HOST_AND_PORT.matcher(changes(setting) ? setting.substring(EACH.length()) : setting);
    if (!parts.matches() || Integer.parseInt(parts.group(2)) > 65_535) {
      throw new IllegalArgumentException(
          "server: " + setting + " (expected: host:port or dns:///host:port)");
    }
    return parts;
  }

  /// Whether a setting may name other servers at another time.
  static boolean changes(String setting) {
    return setting.startsWith(EACH);
  }

  private static List<ServerAddress> lookUp(String host, int port, Names names) {
    List<ServerAddress> servers = new ArrayList<>();
    try {
      for (InetAddress address : names.addresses(host)) {
        servers.add(new ServerAddress(host, port, address.getHostAddress()));
      }
    } catch (UnknownHostException _) {
      // A name without an address has no servers now.
    }
    return servers;
  }

  NettyChannelBuilder channelBuilder() {
    if (address.isEmpty()) {
      return NettyChannelBuilder.forTarget(EACH + host + ":" + port);
    }
    return NettyChannelBuilder.forAddress(new InetSocketAddress(address, port))
        .overrideAuthority(host + ":" + port);
  }

  @Override
  public String toString() {
    return (address.isEmpty() ? host : host + "/" + address) + ":" + port;
  }
}
