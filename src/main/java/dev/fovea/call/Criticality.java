package dev.fovea.call;

/// How much a call matters when not all can be answered. The first to be refused under load are the
/// last in this list.
public enum Criticality {
  CRITICAL,
  DEFAULT,
  SHEDDABLE
}
