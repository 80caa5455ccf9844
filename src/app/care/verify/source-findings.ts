import { resolve } from 'node:path';
import type { Project } from '../../../core/model/project.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { digestFiles } from '../../../kit/digest-pool.ts';
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
  project: Project,
  ledger: Ledger,
  wanted: (table: string) => boolean,
  options: { readonly signal: AbortSignal; readonly tell: (bytes: number) => void },
): Promise<SourceCheck> {
  const inputs = ledger
    .inputs()
    .filter(({ source, status }) => status === 'loaded' && wanted(`bronze.${source}`))
    .filter(({ source }) => project.sources[source]?.type === 'files');
  const jobs = inputs.map(({ path, size_bytes }) => ({ path: resolve(project.root, path), size_bytes }));
  const digests = await digestFiles(jobs, options);
  const findings: Finding[] = [];
  let missing = 0;
  for (const [index, input] of inputs.entries()) {
    const { sha256, error } = digests[index] ?? {};
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
