package dev.fovea.batch;

import dev.fovea.engine.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Room for rows that will come. Guarded by the lock of the lease that gave it.
final class Reservation implements Place {
  private final Consumer<Reservation> giveBack;
  private final List<WaitingRow> standIns = new ArrayList<>();
  private boolean over;

  /// @param giveBack told when the holder closes it
  Reservation(int rows, int priority, long now, long deadline, Consumer<Reservation> giveBack) {
    this.giveBack = giveBack;
    for (int place = 0; place < rows; place++) {
      standIns.add(new WaitingRow((_, _) -> {}, place, Bucket.UNKNOWN, priority, now, deadline));
    }
  }

  List<WaitingRow> standIns() {
    return standIns;
  }

  /// Ends it; the second time, that it is over already.
  boolean end() {
    boolean was = over;
    over = true;
    return !was;
  }

  @Override
  public void close() {
    giveBack.accept(this);
  }
}
