import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArchiveListing, ArchiveMember, ArchiveReader, ArchiveRequest } from '../../core/ports/archive.ts';
import type { UnitProblem } from '../../core/ports/source.ts';
import { RawReader } from '../stream/raw.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { extractTar, listTar } from './tar.ts';
import { extractZip, listZip } from './zip.ts';

/** The archives that the program reads. Listing looks through all of it first, so that nothing is expanded of one that is refused. */
export const archiveReader: ArchiveReader = {
  list: async (request, signal) => {
    const raw = new RawReader(request.uri, signal);
    try {
      const found = await outcomeOf(() => membersOf(request, raw));
      await readToEnd(raw);
      const sha256 = raw.finish();
      return { sha256, size_bytes: raw.read_bytes, ...found } satisfies ArchiveListing;
    } finally {
      raw.close();
    }
  },

  extract: async (request, targets, signal) => {
    if (request.kind === 'zip') return await extractZip(request, targets, signal);
    const raw = new RawReader(request.uri, signal);
    try {
      await extractTar(request, targets, raw);
      return new Map();
    } catch (error) {
      if (!(error instanceof UnitFault)) throw error;
      return new Map([...targets.keys()].map((name): [string, UnitProblem] => [name, error.problem]));
    } finally {
      raw.close();
    }
  },
};

/** Hashes what is left in pieces: timers and signals get their turn. */
async function readToEnd(raw: RawReader): Promise<void> {
  for (let chunk = raw.next(); chunk !== undefined; chunk = raw.next()) await nextTurn();
}

async function membersOf(request: ArchiveRequest, raw: RawReader): Promise<readonly ArchiveMember[]> {
  if (raw.size_bytes === 0) throw new UnitFault('empty_file', 'it is empty');
  return request.kind === 'zip' ? await listZip(request, raw.size_bytes) : await listTar(request, raw);
}

async function outcomeOf(
  list: () => Promise<readonly ArchiveMember[]>,
): Promise<Pick<ArchiveListing, 'members' | 'problem'>> {
  try {
    return { members: await list() };
  } catch (error) {
    if (!(error instanceof UnitFault)) throw error;
    return { members: [], problem: error.problem };
  }
}
