package dev.cairn.bench.etcd;

import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * The messages of etcd's API, written and read by hand: a message is a run of fields, each a key (number and wire type) and a value.
 *
 * <pre>
 *   PutRequest      1 bytes key | 2 bytes value
 *   RangeRequest    1 bytes key                    (linearizable, for that is the default)
 *   RangeResponse   1 header | 2 KeyValue kvs, repeated | 3 more | 4 count;    KeyValue: 5 bytes value
 *   StatusResponse  1 header {2 uint64 member_id} | 4 uint64 leader
 * </pre>
 */
final class EtcdMessages {
    static final MethodDescriptor<byte[], byte[]> PUT = method("etcdserverpb.KV/Put");
    static final MethodDescriptor<byte[], byte[]> RANGE = method("etcdserverpb.KV/Range");
    static final MethodDescriptor<byte[], byte[]> STATUS = method("etcdserverpb.Maintenance/Status");

    private static final int VARINT = 0;
    private static final int FIXED_64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED_32 = 5;

    private EtcdMessages() {}

    private static MethodDescriptor<byte[], byte[]> method(String fullName) {
        return MethodDescriptor.<byte[], byte[]>newBuilder()
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(fullName)
                .setRequestMarshaller(new Verbatim())
                .setResponseMarshaller(new Verbatim())
                .build();
    }

    /** Messages as the bytes that they are. */
    private static final class Verbatim implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] message) {
            return new Bytes(message);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static final class Bytes extends ByteArrayInputStream implements KnownLength {
        Bytes(byte[] message) {
            super(message);
        }
    }

    // ---- Requests

    static byte[] put(byte[] key, byte[] value) {
        byte[] message = new byte[lengthOf(key) + lengthOf(value)];
        write(message, write(message, 0, 1, key), 2, value);
        return message;
    }

    static byte[] range(byte[] key) {
        byte[] message = new byte[lengthOf(key)];
        write(message, 0, 1, key);
        return message;
    }

    private static int lengthOf(byte[] field) {
        return 1 + varintLength(field.length) + field.length;
    }

    private static int varintLength(int value) {
        int length = 1;
        for (int rest = value >>> 7; rest != 0; rest >>>= 7) {
            length++;
        }
        return length;
    }

    /** Returns where the field ends. */
    private static int write(byte[] message, int offset, int number, byte[] field) {
        int at = offset;
        message[at++] = (byte) (number << 3 | BYTES);
        int rest = field.length;
        while (rest > 0x7f) {
            message[at++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        message[at++] = (byte) rest;
        System.arraycopy(field, 0, message, at, field.length);
        return at + field.length;
    }

    // ---- Answers

    /** Length of the first value of a RangeResponse; -1 = it has none. */
    static int valueLength(byte[] rangeResponse) {
        Field entry = Field.find(rangeResponse, 0, rangeResponse.length, 2);
        if (!entry.found) {
            return -1;
        }
        Field value = Field.find(rangeResponse, entry.offset, entry.offset + (int) entry.value, 5);
        return value.found ? (int) value.value : 0;
    }

    /** True when the member that has sent this StatusResponse leads. */
    static boolean isLeader(byte[] statusResponse) {
        Field header = Field.find(statusResponse, 0, statusResponse.length, 1);
        Field leader = Field.find(statusResponse, 0, statusResponse.length, 4);
        if (!header.found || !leader.found || leader.value == 0) {
            return false;
        }
        Field member = Field.find(statusResponse, header.offset, header.offset + (int) header.value, 2);
        return member.found && member.value == leader.value;
    }

    /** Reads field after field. */
    private static final class Field {
        private final byte[] message;
        private int at;
        /** Where the bytes of a field of bytes begin. */
        private int offset;
        /** The number, or the count of bytes. */
        private long value;

        private boolean found;

        private Field(byte[] message, int at) {
            this.message = message;
            this.at = at;
        }

        static Field find(byte[] message, int from, int end, int wanted) {
            Field field = new Field(message, from);
            while (field.at < end && !field.found) {
                long key = field.varint();
                field.readValue((int) (key & 7));
                field.found = key >>> 3 == wanted;
            }
            return field;
        }

        private void readValue(int wireType) {
            switch (wireType) {
                case VARINT -> value = varint();
                case BYTES -> {
                    value = varint();
                    offset = at;
                    at += (int) value;
                }
                case FIXED_64 -> at += Long.BYTES;
                case FIXED_32 -> at += Integer.BYTES;
                default -> throw new IllegalStateException("wire type " + wireType + " at " + at);
            }
        }

        private long varint() {
            long result = 0;
            int shift = 0;
            byte next;
            do {
                next = message[at++];
                result |= (long) (next & 0x7f) << shift;
                shift += 7;
            } while (next < 0);
            return result;
        }
    }
}
