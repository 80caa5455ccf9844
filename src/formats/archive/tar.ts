import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Header } from 'tar-stream';
import type { ArchiveMember, ArchiveRequest } from '../../core/ports/archive.ts';
import { expand } from '../stream/expand.ts';
import type { RawReader } from '../stream/raw.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { MemberFile } from './member-file.ts';
import { safeName } from './member-names.ts';

const MEMBERS_MAX = 100_000;
const BLOCK_BYTES = 512;
/** Reading and unpacking are synchronous; timers and signals get their turn after so many bytes. */
const TURN_BYTES = 4 * 1024 * 1024;

/** As the package gives them: chunks after a header. */
interface Entry extends AsyncIterable<unknown> {
  /** Its types say nothing of kinds that it does not know. */
  readonly header: Omit<Header, 'type'> & { readonly type: Header['type'] | null };
}

/** Members by one pass through the whole archive: only that tells whether it is whole. @throws UnitFault, DataflowError E_SOURCE_IO */
export async function listTar(request: ArchiveRequest, raw: RawReader): Promise<readonly ArchiveMember[]> {
  const members: ArchiveMember[] = [];
  const seen = new Set<string>();
  await eachEntry(request, raw, async (entry) => {
    const { header } = entry;
    if (header.type !== 'directory') {
      const name = safeName(header.name);
      if (seen.has(name)) throw new UnitFault('duplicate_member', `it has two members ${name}`);
      if (members.length >= MEMBERS_MAX) throw new UnitFault('unsafe_file', `it has more than ${MEMBERS_MAX} members`);
      seen.add(name);
      members.push({ name, size_bytes: header.size, ...refusal(header) });
    }
    await drain(entry);
  });
  return members;
}

/** One pass; an archive that changed meanwhile is noticed by who asked. @throws UnitFault, DataflowError E_SOURCE_IO, E_LAKE_IO */
export async function extractTar(
  request: ArchiveRequest,
  targets: ReadonlyMap<string, string>,
  raw: RawReader,
): Promise<void> {
  await eachEntry(request, raw, async (entry) => {
    const target = entry.header.type === 'directory' ? undefined : targets.get(safeName(entry.header.name));
    if (target === undefined) {
      await drain(entry);
      return;
    }
    const file = new MemberFile(target);
    try {
      for await (const chunk of entry) file.write(chunk as Buffer);
    } finally {
      file.close();
    }
  });
}

async function drain(entry: Entry): Promise<void> {
  for await (const _ of entry);
}

async function eachEntry(
  request: ArchiveRequest,
  raw: RawReader,
  visit: (entry: Entry) => Promise<void>,
): Promise<void> {
  const { extract } = await import('tar-stream');
  const reader = extract();
  const source = Readable.from(plainBytes(request, raw), { objectMode: false, highWaterMark: 0 });
  const feeding = pipeline(source, reader as unknown as NodeJS.WritableStream);
  // Told by the loop below too; here only so that nothing is left unheard.
  feeding.catch(() => undefined);
  try {
    for await (const entry of reader) await visit(entry);
    await feeding;
  } catch (error) {
    source.destroy();
    throw await feeding.then(
      () => faultOf(error),
      (first: unknown) => faultOf(isOurs(error) ? error : first),
    );
  }
}

/** The archive without its compression, in chunks of their own. @throws UnitFault when the blocks that end it are missing */
async function* plainBytes(request: ArchiveRequest, raw: RawReader): AsyncGenerator<Buffer> {
  const facts = { expanded_bytes: 0, needs_copy: false, notes: [] };
  let zeros = 0;
  let since = 0;
  for await (const chunk of expand(raw, request.kind === 'tar.gz' ? 'gzip' : 'none', request, facts)) {
    const tail = zerosAtEnd(chunk);
    zeros = tail === chunk.length ? zeros + tail : tail;
    since += chunk.length;
    if (since >= TURN_BYTES) {
      since = 0;
      await nextTurn();
    }
    yield Buffer.from(chunk);
  }
  if (facts.expanded_bytes === 0) throw new UnitFault('empty_file', 'it is empty');
  if (zeros < BLOCK_BYTES)
    throw new UnitFault('damaged_tar', 'the blocks that end it are missing; it was cut off', {
      byte_offset: raw.read_bytes,
    });
}

function zerosAtEnd(chunk: Buffer): number {
  let at = chunk.length;
  while (at > 0 && chunk[at - 1] === 0) at -= 1;
  return chunk.length - at;
}

function refusal(header: Entry['header']): Pick<ArchiveMember, 'refused'> {
  const pax = Object.keys(header.pax ?? {});
  if (pax.some((key) => key.startsWith('GNU.sparse.')))
    return { refused: { code: 'sparse_file', reason: 'it is a sparse file; its holes are not filled in' } };
  const kind = header.type ?? 'member of an unknown kind';
  if (kind === 'file' || kind === 'contiguous-file') return {};
  return { refused: { code: 'not_a_file', reason: `it is a ${kind.replace('-', ' ')}, not a regular file` } };
}

function isOurs(error: unknown): boolean {
  return error instanceof UnitFault || (error instanceof Error && error.name === 'DataflowError');
}

function faultOf(error: unknown): unknown {
  if (!(error instanceof Error) || isOurs(error) || 'syscall' in error || error.name === 'AbortError') return error;
  return new UnitFault('damaged_tar', `it is not a whole tar archive: ${error.message}`);
}
