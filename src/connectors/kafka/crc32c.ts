/** CRC-32C (Castagnoli), eight tables so that eight bytes go at a time: what record batches are protected by. */
const TABLES = makeTables();

function makeTables(): readonly Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  const [first] = tables as [Uint32Array];
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[n] = crc;
  }
  for (let n = 0; n < 256; n++) {
    let crc = first[n] as number;
    for (const table of tables.slice(1)) {
      crc = (first[crc & 0xff] as number) ^ (crc >>> 8);
      table[n] = crc;
    }
  }
  return tables;
}

/** CRC-32C of `bytes[from, to)` as an unsigned number. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const b = bytes as { readonly [at: number]: number };
  let crc = -1;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    const low = crc ^ (word(b, at) | 0);
    crc =
      look(t7, low & 0xff) ^
      look(t6, (low >>> 8) & 0xff) ^
      look(t5, (low >>> 16) & 0xff) ^
      look(t4, low >>> 24) ^
      look(t3, b[at + 4] as number) ^
      look(t2, b[at + 5] as number) ^
      look(t1, b[at + 6] as number) ^
      look(t0, b[at + 7] as number);
  }
  for (; at < to; at++) crc = look(t0, (crc ^ (b[at] as number)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function look(table: Uint32Array, at: number): number {
  return table[at] as number;
}

function word(b: { readonly [at: number]: number }, at: number): number {
  return (
    (b[at] as number) | ((b[at + 1] as number) << 8) | ((b[at + 2] as number) << 16) | ((b[at + 3] as number) << 24)
  );
}
