import { deflateRawSync } from 'node:zlib';
import avsc from 'avsc';

/** A number as Avro writes it. */
function long(value: number): Buffer {
  return avsc.Type.forSchema('long').toBuffer(value);
}

function part(bytes: Buffer | string): Buffer {
  return Buffer.concat([long(Buffer.byteLength(bytes)), Buffer.from(bytes)]);
}

const SYNC = Buffer.from('0123456789abcdef');

/** An Avro file by the book: blocks of records that are encoded already. */
export function avroFile(
  schema: object,
  blocks: readonly (readonly Buffer[])[],
  codec = 'null',
  pack: (bytes: Buffer) => Buffer = (bytes) => (codec === 'deflate' ? deflateRawSync(bytes) : bytes),
): Buffer {
  const header = [long(2), part('avro.schema'), part(JSON.stringify(schema)), part('avro.codec'), part(codec), long(0)];
  return Buffer.concat([
    Buffer.from('Obj\x01', 'latin1'),
    ...header,
    SYNC,
    ...blocks.flatMap((records) => [long(records.length), part(pack(Buffer.concat(records))), SYNC]),
  ]);
}
