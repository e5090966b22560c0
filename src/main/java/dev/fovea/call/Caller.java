package dev.fovea.call;

/// Who asks: the unit of fairness and of privacy. An authenticated identity where there is one,
/// else the address of the peer.
///
/// @param id names the caller; opaque, compared as it is
public record Caller(String id) {
  public Caller {
    if (id.isEmpty()) {
      throw new IllegalArgumentException("id: empty (expected: a name or an address)");
    }
  }
}
