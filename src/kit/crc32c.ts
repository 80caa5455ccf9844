/** CRC-32C (Castagnoli), eight tables of 256 numbers so that eight bytes go at a time: what Kafka's record batches and HDFS's blocks are protected by. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    tables[n] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256] as number;
    tables[at] = (tables[before & 0xff] as number) ^ (before >>> 8);
  }
  return tables;
}

/** CRC-32C of `bytes[from, to)` as an unsigned number. @param before that of the bytes in front of them */
export function crc32c(bytes: Uint8Array, from: number, to: number, before = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = ~before;
  let at = from;
  // Two words at a time: reading bytes one by one takes twice as long.
  for (; at + 8 <= to; at += 8) {
    const low = crc ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    crc =
      look(1792 + (low & 0xff)) ^
      look(1536 + ((low >>> 8) & 0xff)) ^
      look(1280 + ((low >>> 16) & 0xff)) ^
      look(1024 + (low >>> 24)) ^
      look(768 + (high & 0xff)) ^
      look(512 + ((high >>> 8) & 0xff)) ^
      look(256 + ((high >>> 16) & 0xff)) ^
      look(high >>> 24);
  }
  for (; at < to; at++) crc = look((crc ^ view.getUint8(at)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function look(at: number): number {
  return TABLES[at] as number;
}
