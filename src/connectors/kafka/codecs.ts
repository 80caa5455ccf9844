import { gunzip, gzip } from 'node:zlib';

/** Turns the compressed part of a record batch into its records, or back. */
export interface Codec {
  readonly name: string;
  decompress(bytes: Buffer): Promise<Buffer>;
  compress(bytes: Buffer): Promise<Buffer>;
}

/** Numbers of the protocol: the three low bits of a batch's attributes. */
export const CODEC_NUMBERS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type CodecName = keyof typeof CODEC_NUMBERS;

/** The codec of this number, its library loaded when it is first asked for; undefined for a number that no Kafka has. */
export function codecOf(number: number): Promise<Codec> | undefined {
  const known = loaded.get(number);
  if (known !== undefined) return known;
  const load = LOADERS[number];
  if (load === undefined) return undefined;
  const codec = load();
  loaded.set(number, codec);
  return codec;
}

/** What a batch may grow to: brokers limit only its compressed size. */
const BATCH_BYTES_MAX = 256 * 1024 * 1024;
const ZSTD_ROOM_MIN = 1024 * 1024;

const loaded = new Map<number, Promise<Codec>>();

const LOADERS: Readonly<Record<number, () => Promise<Codec>>> = {
  [CODEC_NUMBERS.gzip]: async () => ({
    name: 'gzip',
    decompress: (bytes) => called((done) => gunzip(bytes, { maxOutputLength: BATCH_BYTES_MAX }, done)),
    compress: (bytes) => called((done) => gzip(bytes, { level: 1 }, done)),
  }),
  [CODEC_NUMBERS.snappy]: async () => {
    const { default: snappy } = await import('kafkajs-snappy');
    const codec = snappy();
    return {
      name: 'snappy',
      decompress: async (bytes) => asBuffer(await codec.decompress(bytes)),
      compress: async (bytes) => asBuffer(await codec.compress({ buffer: bytes })),
    };
  },
  [CODEC_NUMBERS.lz4]: async () => {
    const { default: lz4 } = await import('lz4-napi');
    return {
      name: 'lz4',
      decompress: (bytes) => lz4.decompressFrame(bytes),
      compress: (bytes) => lz4.compressFrame(bytes),
    };
  },
  [CODEC_NUMBERS.zstd]: async () => {
    const { default: zstd } = await import('@bokuweb/zstd-wasm');
    await zstd.init();
    return {
      name: 'zstd',
      decompress: async (bytes) => unzstd(bytes, (defaultHeapSize) => zstd.decompress(bytes, { defaultHeapSize })),
      compress: async (bytes) => asBuffer(zstd.compress(bytes, 3)),
    };
  },
};

/**
 * The library wants to know how large the result is. Java's clients and brokers do not write it down, so more and more room is tried.
 * @param decompress into so many bytes; it fails when they are not enough
 */
function unzstd(bytes: Buffer, decompress: (room: number) => Uint8Array): Buffer {
  const declared = zstdContentSize(bytes);
  if (declared !== undefined && declared > BATCH_BYTES_MAX) throw new Error(`it would grow to ${declared} bytes`);
  if (declared !== undefined) return asBuffer(decompress(declared));
  for (let room = Math.max(ZSTD_ROOM_MIN, bytes.length * 8); ; room = Math.min(room * 4, BATCH_BYTES_MAX)) {
    try {
      return asBuffer(decompress(room));
    } catch (error) {
      if (room === BATCH_BYTES_MAX) throw error;
    }
  }
}

/** The size that the head of a frame declares (RFC 8878), if it does. */
function zstdContentSize(bytes: Buffer): number | undefined {
  if (bytes.length < 18) return undefined;
  const descriptor = bytes.readUInt8(4);
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  switch (descriptor >> 6) {
    case 0:
      return single ? bytes.readUInt8(at) : undefined;
    case 1:
      return bytes.readUInt16LE(at) + 256;
    case 2:
      return bytes.readUInt32LE(at);
    default:
      return Number(bytes.readBigUInt64LE(at));
  }
}

function called(work: (done: (error: Error | null, result: Buffer) => void) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => work((error, result) => (error === null ? resolve(result) : reject(error))));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
