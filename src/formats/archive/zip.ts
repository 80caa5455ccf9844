import type { ArchiveMember, ArchiveRequest } from '../../core/ports/archive.ts';
import type { UnitProblem } from '../../core/ports/source.ts';
import { type ExpandFacts, RATIO_FLOOR_BYTES } from '../stream/expand.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { type ZipMember, ZipMembers } from '../stream/zip.ts';
import { MemberFile } from './member-file.ts';
import { safeName } from './member-names.ts';

/** Members by the directory at the archive's end: nothing is expanded. @throws UnitFault, DataflowError E_SOURCE_IO */
export async function listZip(request: ArchiveRequest, size_bytes: number): Promise<readonly ArchiveMember[]> {
  const zip = await ZipMembers.open(request.uri, request, newFacts());
  try {
    const members: ArchiveMember[] = [];
    const seen = new Set<string>();
    let total = 0;
    for (const member of zip.list()) {
      if (member.name.endsWith('/')) continue;
      const name = safeName(member.name);
      if (seen.has(name)) throw new UnitFault('duplicate_member', `it has two members ${name}`);
      seen.add(name);
      total += member.size_bytes;
      members.push({ name, size_bytes: member.size_bytes, ...refusal(member) });
    }
    refuseBomb(total, size_bytes, request);
    return members;
  } finally {
    zip.close();
  }
}

/** @throws DataflowError E_SOURCE_IO, E_LAKE_IO */
export async function extractZip(
  request: ArchiveRequest,
  targets: ReadonlyMap<string, string>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, UnitProblem>> {
  const problems = new Map<string, UnitProblem>();
  const zip = await ZipMembers.open(request.uri, request, newFacts());
  try {
    for (const { name: stored } of zip.list()) {
      const target = stored.endsWith('/') ? undefined : targets.get(safeName(stored));
      if (target === undefined) continue;
      const file = new MemberFile(target);
      try {
        for await (const chunk of zip.read(stored, signal)) file.write(chunk);
      } catch (error) {
        if (!(error instanceof UnitFault)) throw error;
        problems.set(safeName(stored), error.problem);
      } finally {
        file.close();
      }
    }
    return problems;
  } finally {
    zip.close();
  }
}

function newFacts(): ExpandFacts {
  return { expanded_bytes: 0, needs_copy: false, notes: [] };
}

/** By the sizes that the directory states; a member that holds more than it states is damaged, and no more of it is read. */
function refuseBomb(total: number, size_bytes: number, { max_expanded_bytes, max_ratio }: ArchiveRequest): void {
  if (total > max_expanded_bytes)
    throw new UnitFault(
      'expansion_limit',
      `its members expand to ${total} bytes; at most ${max_expanded_bytes} are allowed (max_expanded_bytes)`,
    );
  if (total > Math.max(RATIO_FLOOR_BYTES, size_bytes * max_ratio))
    throw new UnitFault('expansion_limit', `its members expand to more than ${max_ratio} times its size (max_ratio)`);
}

function refusal({ encrypted, kind }: ZipMember): Pick<ArchiveMember, 'refused'> {
  if (encrypted) return { refused: { code: 'encrypted_file', reason: 'it is encrypted' } };
  if (kind === 'file') return {};
  return { refused: { code: 'not_a_file', reason: `it is a ${kind}, not a regular file` } };
}
