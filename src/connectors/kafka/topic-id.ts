/** Metadata, version 10: the first one that tells the identity of a topic. The library stops at 6. */
export const METADATA = { key: 3, version: 10 } as const;

/** The request's body; its first byte ends the head, which is one field longer since version 9. */
export function encodeTopicId(topic: string): Buffer {
  const name = Buffer.from(topic);
  return Buffer.concat([
    Buffer.from([0]),
    unsigned(2), // one topic
    Buffer.alloc(16),
    unsigned(name.length + 1),
    name,
    Buffer.from([0, 0, 0, 0, 0]), // no tags; make no topic; no rights; no rights; no tags
  ]);
}

/** @returns the identity as hexadecimal digits; undefined when the broker tells none. */
export function decodeTopicId(payload: Buffer): string | undefined {
  const reader = new CompactReader(payload, 1 + 4);
  for (let brokers = reader.unsigned() - 1; brokers > 0; brokers--) {
    reader.skip(4);
    reader.text();
    reader.skip(4);
    reader.text();
    reader.tags();
  }
  reader.text(); // cluster
  reader.skip(4); // controller
  if (reader.unsigned() < 2) return undefined;
  reader.skip(2);
  reader.text();
  const id = reader.bytes(16).toString('hex');
  return /^0+$/.test(id) ? undefined : id;
}

/** Lengths and counts are numbers of seven bits a byte, one more than what they count, in versions of the protocol since 2.4. */
class CompactReader {
  readonly #bytes: Buffer;
  #at: number;
  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  skip(count: number): void {
    this.#at += count;
  }

  bytes(count: number): Buffer {
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  text(): void {
    const length = this.unsigned() - 1;
    if (length > 0) this.#at += length;
  }

  tags(): void {
    for (let count = this.unsigned(); count > 0; count--) {
      this.unsigned();
      const length = this.unsigned();
      this.#at += length;
    }
  }
}

function unsigned(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}
