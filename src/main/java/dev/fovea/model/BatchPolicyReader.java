package dev.fovea.model;

import inference.ModelConfig;
import inference.ModelDynamicBatching;
import inference.ModelQueuePolicy;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;

/// Reads `dynamic_batching` of a `config.pbtxt`.
final class BatchPolicyReader {
  private static final String FIELD = "dynamic_batching.";
  private static final long MAX_MICROS = 60_000_000;
  private static final long MAX_LEVELS = 64;

  private final ModelConfig config;
  private final FaultLog faults;

  private BatchPolicyReader(ModelConfig config, FaultLog faults) {
    this.config = config;
    this.faults = faults;
  }

  static BatchPolicy read(ModelConfig config, FaultLog faults) {
    return config.hasDynamicBatching()
        ? new BatchPolicyReader(config, faults).read(config.getDynamicBatching())
        : BatchPolicy.DEFAULT;
  }

  private BatchPolicy read(ModelDynamicBatching batching) {
    for (int size : batching.getPreferredBatchSizeList()) {
      if (size < 1 || size > config.getMaxBatchSize()) {
        refuse("preferred_batch_size", size, "1 to max_batch_size");
      }
    }
    long levels = batching.getPriorityLevels();
    if (levels < 0 || levels > MAX_LEVELS) {
      refuse("priority_levels", levels, "0 to " + MAX_LEVELS);
    }
    long defaultLevel = batching.getDefaultPriorityLevel();
    if (levels == 0 ? defaultLevel != 0 : defaultLevel < 1 || defaultLevel > levels) {
      refuse("default_priority_level", defaultLevel, "1 to priority_levels");
    }
    Map<Integer, BatchPolicy.Queue> queues = new HashMap<>();
    batching
        .getPriorityQueuePolicyMap()
        .forEach((level, policy) -> {
          if (level < 1 || level > levels) {
            refuse("priority_queue_policy.key", level, "1 to priority_levels");
          }
          queues.put(level.intValue(), queue("priority_queue_policy", policy));
        });
    return new BatchPolicy(
        batching.getPreferredBatchSizeList(),
        micros("max_queue_delay_microseconds", batching.getMaxQueueDelayMicroseconds()),
        batching.getPreserveOrdering(),
        (int) levels,
        (int) defaultLevel,
        queue("default_queue_policy", batching.getDefaultQueuePolicy()),
        queues);
  }

  private BatchPolicy.Queue queue(String field, ModelQueuePolicy policy) {
    return new BatchPolicy.Queue(
        micros(field + ".default_timeout_microseconds", policy.getDefaultTimeoutMicroseconds()),
        policy.getTimeoutAction() == ModelQueuePolicy.TimeoutAction.DELAY,
        policy.getMaxQueueSize() < 0 ? Integer.MAX_VALUE : policy.getMaxQueueSize());
  }

  private Duration micros(String field, long micros) {
    if (micros < 0 || micros > MAX_MICROS) {
      refuse(field, micros, "0 to " + MAX_MICROS);
      return Duration.ZERO;
    }
    return Duration.of(micros, ChronoUnit.MICROS);
  }

  private void refuse(String field, long value, String expected) {
    faults.add(ModelConfigFile.NAME, FIELD + field, value, expected);
  }
}
