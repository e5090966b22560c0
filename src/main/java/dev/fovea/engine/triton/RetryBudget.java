package dev.fovea.engine.triton;

/// How many calls may be sent again: each call that succeeds earns a tenth of a retry, and at most
/// ten are saved up. So a server that refuses everything gets a tenth more calls than there are,
/// not twice as many. Thread-safe.
final class RetryBudget {
  private static final int CALLS_A_RETRY = 10;
  private static final int MAX_SAVED = 10 * CALLS_A_RETRY;

  private int saved = MAX_SAVED;

  synchronized void earn() {
    saved = Math.min(MAX_SAVED, saved + 1);
  }

  synchronized boolean spend() {
    if (saved < CALLS_A_RETRY) {
      return false;
    }
    saved -= CALLS_A_RETRY;
    return true;
  }
}
