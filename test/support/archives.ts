import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { zipOf } from '../../src/formats/zip.fixture.ts';

/** A tar member beyond name and content. */
export interface TarMember {
  readonly name: string;
  readonly content?: string | Buffer;
  readonly type?: 'symlink' | 'link' | 'character-device' | 'fifo' | 'directory';
  readonly linkname?: string;
  readonly pax?: Readonly<Record<string, string>>;
}

/** A tar archive of these members. */
export async function tarOf(members: readonly TarMember[]): Promise<Buffer> {
  const tar = pack();
  for (const { content = '', ...header } of members) tar.entry(header as { name: string }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function tgzOf(members: readonly TarMember[]): Promise<Buffer> {
  return gzipSync(await tarOf(members));
}

/** A zip archive whose members are marked as encrypted. */
export function encryptedZip(members: Readonly<Record<string, string>>): Buffer {
  const zip = zipOf(members);
  eachRecord(zip, 'PK\x03\x04', (at) => zip.writeUInt16LE(zip.readUInt16LE(at + 6) | 1, at + 6));
  eachRecord(zip, 'PK\x01\x02', (at) => zip.writeUInt16LE(zip.readUInt16LE(at + 8) | 1, at + 8));
  return zip;
}

/** A zip archive whose members are links, as Unix writes them. */
export function linksZip(members: Readonly<Record<string, string>>): Buffer {
  const zip = zipOf(members);
  eachRecord(zip, 'PK\x01\x02', (at) => {
    zip.writeUInt8(3, at + 5);
    zip.writeUInt32LE(0xa1ff0000, at + 38);
  });
  return zip;
}

/** A zip archive in which the stated sizes of members are others than they are. */
export function lyingZip(members: Readonly<Record<string, string>>, stated: number): Buffer {
  const zip = zipOf(members);
  eachRecord(zip, 'PK\x03\x04', (at) => zip.writeUInt32LE(stated, at + 22));
  eachRecord(zip, 'PK\x01\x02', (at) => zip.writeUInt32LE(stated, at + 24));
  return zip;
}

/** A zip archive with one member under two entries of the same name. */
export function twiceZip(name: string, content: string): Buffer {
  const other = `${name.slice(0, -1)}_`;
  const zip = zipOf({ [name]: content, [other]: content });
  for (let at = zip.indexOf(other); at >= 0; at = zip.indexOf(other, at + 1)) zip.write(name, at, 'latin1');
  return zip;
}

function eachRecord(zip: Buffer, magic: string, change: (at: number) => void): void {
  for (let at = zip.indexOf(magic, 0, 'latin1'); at >= 0; at = zip.indexOf(magic, at + 4, 'latin1')) change(at);
}
