package dev.fovea.generate;

import dev.fovea.engine.Lease;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.Decoding;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Keeps several texts under way and gives the likeliest, by the mean log-probability of its
/// tokens. Each beam is a sequence of its own, so that their steps share a batch; where one beam
/// goes on in two ways, its sequence is forked.
public final class BeamSearch {
  private BeamSearch() {}

  /// The tokens of a text, the end among them where it has one.
  ///
  /// @param tokens without the end
  /// @param logProbability the sum over all
  /// @param ended whether the model said that it was done
  public record Found(List<Integer> tokens, double logProbability, boolean ended) {
    /// Tokens generated, the end among them.
    public int count() {
      return tokens.size() + (ended ? 1 : 0);
    }

    private double mean() {
      return logProbability / Math.max(1, count());
    }

    /// It as text.
    public String text(Decoding decoding) {
      Detokenizer detokenizer = new Detokenizer(decoding.vocabulary());
      StringBuilder text = new StringBuilder();
      tokens.forEach(token -> text.append(detokenizer.add(token)));
      return text.toString();
    }
  }

  /// A text under way.
  private record Beam(Decode decode, List<Integer> tokens, double logProbability, float[] logits) {}

  /// One way in which a beam could go on.
  private record Way(Beam beam, int token, double logProbability) {}

  /// @param lease of an engine that forks sequences
  /// @throws GatewayException as the engine does
  public static Found run(Lease lease, Prompt prompt, GenerationOptions options, Terms terms)
      throws InterruptedException {
    Decoding decoding = lease.model().decoding().orElseThrow();
    int limit = Math.min(options.maxTokens(), decoding.contextLength() - prompt.length());
    List<Decode> open = new ArrayList<>();
    try (ExecutorService steps = Executors.newVirtualThreadPerTaskExecutor()) {
      Decode first = Decode.open(lease, prompt, terms, options.relevance());
      open.add(first);
      List<Beam> beams = List.of(new Beam(first, List.of(), 0, first.read(prompt.ids()).logits()));
      List<Found> finished = new ArrayList<>();
      for (int length = 0; length < limit && !beams.isEmpty(); length++) {
        List<Way> ways = ways(lease.model().name(), beams, options, decoding, length, finished);
        if (isSettled(ways, finished, options.beams())) {
          return best(finished);
        }
        beams = advance(beams, ways, open, steps, length + 1 < limit);
      }
      for (Beam beam : beams) {
        finished.add(new Found(beam.tokens(), beam.logProbability(), false));
      }
      return best(finished);
    } finally {
      open.forEach(Decode::close);
    }
  }

  /// The likeliest ways to go on, as many as there may be beams; those that end are finished.
  private static List<Way> ways(
      String model,
      List<Beam> beams,
      GenerationOptions options,
      Decoding decoding,
      int length,
      List<Found> finished) {
    List<Way> all = new ArrayList<>();
    for (Beam beam : beams) {
      Distribution distribution = Distribution.of(model, beam.logits());
      for (int token : distribution.likeliest(options.beams() + decoding.endIds().size())) {
        all.add(new Way(beam, token, beam.logProbability() + distribution.logProbability(token)));
      }
    }
    all.sort(Comparator.comparingDouble(Way::logProbability).reversed());
    List<Way> ways = new ArrayList<>();
    for (Way way : all) {
      boolean ends = decoding.endIds().contains(way.token());
      if (ways.size() == options.beams()) {
        break;
      }
      if (!ends) {
        ways.add(way);
      } else if (length >= options.minTokens()) {
        finished.add(new Found(way.beam().tokens(), way.logProbability(), true));
      }
    }
    return ways;
  }

  /// Whether as many texts have finished as there are beams, and what is under way is less likely,
  /// by the mean of its tokens so far, than each of them.
  private static boolean isSettled(List<Way> ways, List<Found> finished, int beams) {
    if (ways.isEmpty() || finished.size() < beams) {
      return ways.isEmpty() && !finished.isEmpty();
    }
    Way best = ways.getFirst();
    double mean = best.logProbability() / (best.beam().tokens().size() + 1);
    return finished.stream().allMatch(found -> found.mean() >= mean);
  }

  private static Found best(List<Found> finished) {
    return finished.stream().max(Comparator.comparingDouble(Found::mean)).orElseThrow();
  }

  /// The first way of a beam goes on with its sequence, the others with forks of it.
  private static List<Beam> advance(
      List<Beam> beams, List<Way> ways, List<Decode> open, ExecutorService steps, boolean more)
      throws InterruptedException {
    List<Decode> used = new ArrayList<>();
    List<Decode> decodes = new ArrayList<>();
    for (Beam beam : beams) {
      if (ways.stream().noneMatch(way -> way.beam().equals(beam))) {
        beam.decode().close();
        open.remove(beam.decode());
      }
    }
    for (Way way : ways) {
      Decode decode = way.beam().decode();
      if (used.contains(decode)) {
        decode = decode.fork();
        open.add(decode);
      } else {
        used.add(decode);
      }
      decodes.add(decode);
    }
    List<Callable<float[]>> reads = new ArrayList<>();
    for (int i = 0; i < ways.size(); i++) {
      Decode decode = decodes.get(i);
      int token = ways.get(i).token();
      reads.add(() -> more ? decode.read(token).logits() : new float[0]);
    }
    List<Beam> next = new ArrayList<>();
    List<Future<float[]>> logits = steps.invokeAll(reads);
    for (int i = 0; i < ways.size(); i++) {
      Way way = ways.get(i);
      List<Integer> tokens = new ArrayList<>(way.beam().tokens());
      tokens.add(way.token());
      next.add(new Beam(decodes.get(i), tokens, way.logProbability(), result(logits.get(i))));
    }
    return next;
  }

  private static float[] result(Future<float[]> logits) throws InterruptedException {
    try {
      return logits.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GatewayException refusal) {
        throw refusal;
      }
      throw new IllegalStateException(e.getCause());
    }
  }
}
