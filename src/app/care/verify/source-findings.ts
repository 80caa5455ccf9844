import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Project } from '../../../core/model/project.ts';
import type { InputRecord, Ledger } from '../../../core/ports/ledger.ts';
import { digestFiles } from '../../../kit/digest-pool.ts';
import type { Rooms } from '../../rooms.ts';
import { type Finding, remark } from './finding.ts';

/** How the loaded source files are now. None of it is damage: what was loaded is in the lake. */
export interface SourceCheck {
  readonly same: number;
  readonly changed: number;
  readonly missing: number;
  readonly findings: readonly Finding[];
}

/** The bytes of the source files on the disk against the hashes recorded when they were loaded. */
export async function checkSources(
  rooms: Rooms,
  project: Project,
  ledger: Ledger,
  wanted: (table: string) => boolean,
  options: { readonly signal: AbortSignal; readonly tell: (bytes: number) => void },
): Promise<SourceCheck> {
  const inputs = ledger
    .inputs()
    .filter(({ source, status }) => status === 'loaded' && wanted(`bronze.${source}`))
    .filter(({ source }) => ['files', 'documents'].includes(project.sources[source]?.type ?? ''));
  const elsewhere = await digestsElsewhere(rooms, project, inputs, options.signal);
  const here = inputs.filter((input) => !elsewhere.has(keyOf(input)));
  const jobs = here.map(({ path, size_bytes }) => ({ path: resolve(project.root, path), size_bytes }));
  const hashed = await digestFiles(jobs, options);
  const digests = new Map<string, Digest>([
    ...elsewhere,
    ...here.map((input, index) => [keyOf(input), hashed[index] ?? {}] as const),
  ]);
  const findings: Finding[] = [];
  let missing = 0;
  for (const input of inputs) {
    const { sha256, error } = digests.get(keyOf(input)) ?? {};
    if (sha256 === input.sha256) continue;
    if (sha256 === undefined) missing += 1;
    const state = sha256 === undefined ? `can no longer be read (${error})` : 'has other bytes than when it was loaded';
    findings.push(
      remark('source', `${input.path} ${state}`, {
        table: `bronze.${input.source}`,
        path: input.path,
        expected: input.sha256,
        actual: sha256 ?? error ?? null,
      }),
    );
  }
  return { same: inputs.length - findings.length, changed: findings.length - missing, missing, findings };
}

interface Digest {
  readonly sha256?: string;
  readonly error?: string;
}

function keyOf({ source, path }: InputRecord): string {
  return `${source}\n${path}`;
}

/** Units that are no files in the project's folder: their sources take them out of archives, or fetch them, once more. */
async function digestsElsewhere(
  rooms: Rooms,
  project: Project,
  inputs: readonly InputRecord[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Digest>> {
  const found = new Map<string, Digest>();
  for (const [name, spec] of Object.entries(project.sources)) {
    const own = inputs.filter(({ source }) => source === name);
    if (own.length === 0) continue;
    const source = await rooms.createSource(spec, project);
    const temp_folder = await mkdtemp(join(tmpdir(), 'dataflow-verify-'));
    try {
      const context = { root: project.root, temp_folder, now_ms: Date.now(), rehash: true, signal };
      const digests = (await source.digests?.(own, context)) ?? new Map<string, Digest>();
      for (const [path, digest] of digests) found.set(`${name}\n${path}`, digest);
    } finally {
      await rm(temp_folder, { recursive: true, force: true });
    }
  }
  return found;
}
