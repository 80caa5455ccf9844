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

const loaded = new Map<number, Promise<Codec>>();

const LOADERS: Readonly<Record<number, () => Promise<Codec>>> = {
  [CODEC_NUMBERS.gzip]: async () => ({
    name: 'gzip',
    decompress: (bytes) => called((done) => gunzip(bytes, done)),
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
      decompress: async (bytes) => asBuffer(zstd.decompress(bytes)),
      compress: async (bytes) => asBuffer(zstd.compress(bytes, 3)),
    };
  },
};

function called(work: (done: (error: Error | null, result: Buffer) => void) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => work((error, result) => (error === null ? resolve(result) : reject(error))));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
