/** The load generator's way to etcd: version 3 of its API by gRPC, with the few messages that a load needs. */
@org.jspecify.annotations.NullMarked
package dev.cairn.bench.etcd;
