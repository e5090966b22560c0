package dev.fovea.cli;

import com.google.protobuf.ByteString;
import dev.fovea.v1.Embedding;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/// A part as an Apache Parquet file: the columns of [#SCHEMA], in the three-level form of lists
/// that every reader knows. Not compressed: normalised vectors hardly get smaller.
final class ParquetPart implements PartFile {
  private static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          """
          message embeddings {
            required binary id (STRING);
            required int32 width;
            required int32 height;
            required group vector (LIST) {
              repeated group list {
                required float element;
              }
            }
          }
          """);

  /// What is held in memory before it is written: some 5,000 vectors of 768.
  private static final long ROW_GROUP_BYTES = 1 << 24;

  private final AtomicFile file;
  private final ParquetWriter<Row> rows;

  private record Row(String id, Embedding embedding) {}

  ParquetPart(Path folder, int part) throws IOException {
    this.file = AtomicFile.create(Format.PARQUET.file(folder, part));
    this.rows =
        new Builder(new Output(file))
            .withConf(new PlainParquetConfiguration())
            .withRowGroupSize(ROW_GROUP_BYTES)
            .withDictionaryEncoding(false)
            .withCompressionCodec(CompressionCodecName.UNCOMPRESSED)
            .build();
  }

  @Override
  public void add(String id, Embedding embedding) throws IOException {
    rows.write(new Row(id, embedding));
  }

  @Override
  public void commit() throws IOException {
    // Writes what is held and the footer.
    rows.close();
    file.commit();
  }

  /// Forgets what was not committed; what the writer holds is of no use then.
  @Override
  public void close() throws IOException {
    file.close();
  }

  private static final class Builder extends ParquetWriter.Builder<Row, Builder> {
    Builder(OutputFile file) {
      super(file);
    }

    @Override
    protected Builder self() {
      return this;
    }

    @Override
    protected WriteSupport<Row> getWriteSupport(Configuration unused) {
      return new Columns();
    }

    @Override
    protected WriteSupport<Row> getWriteSupport(ParquetConfiguration unused) {
      return new Columns();
    }
  }

  /// Takes a row apart.
  private static final class Columns extends WriteSupport<Row> {
    /// Comes before the first row.
    @SuppressWarnings("NullAway.Init")
    private RecordConsumer out;

    @Override
    public WriteContext init(Configuration unused) {
      return new WriteContext(SCHEMA, Map.of());
    }

    @Override
    public WriteContext init(ParquetConfiguration unused) {
      return new WriteContext(SCHEMA, Map.of());
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
      out = consumer;
    }

    @Override
    public void write(Row row) {
      out.startMessage();
      out.startField("id", 0);
      out.addBinary(Binary.fromString(row.id));
      out.endField("id", 0);
      number("width", 1, row.embedding.getOrientedWidth());
      number("height", 2, row.embedding.getOrientedHeight());
      out.startField("vector", 3);
      out.startGroup();
      vector(row.embedding.getVector().getPacked());
      out.endGroup();
      out.endField("vector", 3);
      out.endMessage();
    }

    private void number(String name, int index, int value) {
      out.startField(name, index);
      out.addInteger(value);
      out.endField(name, index);
    }

    private void vector(ByteString packed) {
      ByteBuffer components = packed.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      out.startField("list", 0);
      while (components.hasRemaining()) {
        out.startGroup();
        out.startField("element", 0);
        out.addFloat(components.getFloat());
        out.endField("element", 0);
        out.endGroup();
      }
      out.endField("list", 0);
    }
  }

  /// The file as the writer sees it. Closing it is the part's business.
  private record Output(AtomicFile file) implements OutputFile {
    @Override
    public PositionOutputStream create(long blockSizeHint) {
      return new PositionOutputStream() {
        private long position;

        @Override
        public long getPos() {
          return position;
        }

        @Override
        public void write(int b) throws IOException {
          write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
          file.write(ByteBuffer.wrap(bytes, from, count));
          position += count;
        }
      };
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
      return create(blockSizeHint);
    }

    @Override
    public boolean supportsBlockSize() {
      return false;
    }

    @Override
    public long defaultBlockSize() {
      return 0;
    }
  }
}
