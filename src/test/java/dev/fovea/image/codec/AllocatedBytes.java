package dev.fovea.image.codec;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/// Counts what is allocated in the heap: a bound on what is held there, and unlike the size of the
/// process not shaken by anything else.
final class AllocatedBytes {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private AllocatedBytes() {}

  /// What this thread allocates in the heap while it does something.
  static long during(Runnable work) {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    work.run();
    return THREADS.getCurrentThreadAllocatedBytes() - before;
  }
}
