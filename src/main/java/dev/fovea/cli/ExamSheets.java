package dev.fovea.cli;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The scenes of an examination, with what is true of each, as `training/pico/sheets.py` writes
/// them.
///
/// @param folder where they are
/// @param world what can be in them
/// @param sheets one a picture
record ExamSheets(Path folder, World world, List<Sheet> sheets) {
  private static final ObjectMapper JSON =
      new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  ExamSheets {
    sheets = List.copyOf(sheets);
  }

  /// What can be in a picture.
  ///
  /// @param templates sentences around a kind
  /// @param kinds every kind of thing
  /// @param colours that things are painted in
  /// @param moderated categories that a moderator asks for
  /// @param emotions what faces feel; the last stands for no face
  /// @param unseen a style of drawing that some models were not trained on; absent where none is
  record World(
      List<String> templates,
      List<Kind> kinds,
      List<String> colours,
      List<String> moderated,
      List<String> emotions,
      @Nullable Unseen unseen) {
    World {
      templates = listed(templates);
      kinds = listed(kinds);
      colours = listed(colours);
      moderated = listed(moderated);
      emotions = listed(emotions);
    }

    /// The place of a kind in [#kinds].
    int indexOf(String name) {
      for (int i = 0; i < kinds.size(); i++) {
        if (kinds.get(i).name().equals(name)) {
          return i;
        }
      }
      throw new UnreadableFileException("world.json: no kind " + name);
    }
  }

  /// A style of drawing that some models were not trained on.
  ///
  /// @param style its name
  /// @param by the models
  record Unseen(String style, List<String> by) {
    Unseen {
      by = listed(by);
    }
  }

  /// A kind of thing.
  ///
  /// @param name its name
  /// @param phrase the name with its article
  /// @param plural what several are called
  /// @param synonyms other names
  /// @param category what it is one of
  /// @param countable whether there can be two of it
  record Kind(
      String name,
      String phrase,
      String plural,
      List<String> synonyms,
      String category,
      boolean countable) {
    Kind {
      synonyms = listed(synonyms);
    }
  }

  /// A picture and what is true of it.
  ///
  /// @param file from the folder
  /// @param set the part of the examination that it belongs to
  /// @param things what is in it
  /// @param caption something true of it; empty where nothing is
  /// @param questions what can be asked about it
  /// @param order pairs of things whose order by depth is sure
  /// @param emotion of its face, or that it has none; empty where it is not sure
  record Sheet(
      String file,
      String set,
      List<Thing> things,
      @Nullable String caption,
      List<Question> questions,
      List<Pair> order,
      @Nullable String emotion) {
    Sheet {
      things = listed(things);
      caption = Objects.requireNonNullElse(caption, "");
      questions = listed(questions);
      order = listed(order);
      emotion = Objects.requireNonNullElse(emotion, "");
    }
  }

  /// Things of one kind.
  ///
  /// @param kind its name
  /// @param number how many
  /// @param colour that all of them are painted in; absent where they are not
  record Thing(String kind, int number, @Nullable String colour) {}

  /// A question that has one answer.
  ///
  /// @param kind of question
  /// @param question in words
  /// @param answer in words
  record Question(String kind, String question, String answer) {}

  /// Two things.
  ///
  /// @param near points of the nearer one: across and down, as fractions of width and height
  /// @param far points of the farther one, likewise
  record Pair(List<List<Double>> near, List<List<Double>> far) {
    Pair {
      near = listed(near);
      far = listed(far);
    }
  }

  private static <T> List<T> listed(@Nullable List<T> list) {
    return list == null ? List.of() : List.copyOf(list);
  }

  /// @throws UnreadableFileException naming the file that is not there or not as it must be
  static ExamSheets read(Path folder) {
    Path file = folder.resolve("world.json");
    try {
      World world = JSON.readValue(file.toFile(), World.class);
      file = folder.resolve("sheets.jsonl");
      List<Sheet> sheets = new ArrayList<>();
      for (String line : Files.readAllLines(file)) {
        sheets.add(JSON.readValue(line, Sheet.class));
      }
      return new ExamSheets(folder, world, sheets);
    } catch (IOException e) {
      throw new UnreadableFileException(
          file + ": cannot be read; training/python -m pico.sheets makes it");
    }
  }

  /// The style that some models were not trained on; of no name where the sheets tell of none.
  Unseen unseen() {
    return Objects.requireNonNullElseGet(world.unseen(), () -> new Unseen("", List.of()));
  }

  /// Those of a set, so many at most.
  List<Sheet> of(String set, int most) {
    return sheets.stream().filter(sheet -> sheet.set().equals(set)).limit(most).toList();
  }

  ByteString bytes(Sheet sheet) {
    return ImageArguments.bytes(folder.resolve(sheet.file()));
  }
}
