import type { AbortedTransaction, FetchAnswer, FetchedPartition, FetchRequest } from './client.ts';
import { readOffset } from './record-batch.ts';

/** Fetch, version 11: what every broker since 2.3 speaks. Written here because the library would make an object of each record. */
export const FETCH = { key: 1, version: 11 } as const;
const READ_COMMITTED = 1;

/** The body of the request, without its head. */
export function encodeFetch(request: FetchRequest): Buffer {
  const { topic, offsets } = request;
  const name = Buffer.from(topic);
  const body = Buffer.alloc(4 * 4 + 1 + 4 * 2 + 4 + 2 + name.length + 4 + offsets.size * 28 + 4 + 2);
  let at = 0;
  const int32 = (value: number) => {
    at = body.writeInt32BE(value, at);
  };
  for (const value of [-1, request.wait_ms, 1, request.bytes_max]) int32(value);
  at = body.writeInt8(READ_COMMITTED, at);
  for (const value of [0, -1, 1]) int32(value); // no session; one topic
  at = body.writeInt16BE(name.length, at);
  at += name.copy(body, at);
  int32(offsets.size);
  for (const [partition, offset] of offsets) {
    int32(partition);
    int32(-1);
    at = body.writeBigInt64BE(BigInt(offset), at);
    at = body.writeBigInt64BE(-1n, at);
    int32(request.partition_bytes_max);
  }
  int32(0); // nothing to forget
  body.writeInt16BE(0, at); // no rack
  return body;
}

/** The answer without its head; record batches stay as they are. */
export function decodeFetch(
  payload: Buffer,
): FetchAnswer & { readonly throttle_ms: number; readonly error_code: number } {
  const throttle_ms = payload.readInt32BE(0);
  const error_code = payload.readInt16BE(4);
  const partitions: FetchedPartition[] = [];
  let at = 14;
  for (let topics = payload.readInt32BE(10); topics > 0; topics--) {
    at += 2 + payload.readInt16BE(at);
    let count = payload.readInt32BE(at);
    at += 4;
    for (; count > 0; count--) {
      const { value, next } = decodePartition(payload, at);
      partitions.push(value);
      at = next;
    }
  }
  return { partitions, throttle_ms, error_code };
}

function decodePartition(payload: Buffer, start: number): { readonly value: FetchedPartition; readonly next: number } {
  const partition = payload.readInt32BE(start);
  const error_code = payload.readInt16BE(start + 4);
  const stable_end = readOffset(payload, start + 14);
  const log_start = readOffset(payload, start + 22);
  const aborted: AbortedTransaction[] = [];
  let at = start + 34;
  for (let count = payload.readInt32BE(start + 30); count > 0; count--) {
    aborted.push({ producer_id: payload.readBigInt64BE(at), first_offset: readOffset(payload, at + 8) });
    at += 16;
  }
  at += 4; // preferred replica
  const size = Math.max(0, payload.readInt32BE(at));
  at += 4;
  const batches = payload.subarray(at, at + size);
  return { value: { partition, error_code, stable_end, log_start, aborted, batches }, next: at + size };
}
