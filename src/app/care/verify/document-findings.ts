import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Project } from '../../../core/model/project.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { digestFiles } from '../../../kit/digest-pool.ts';
import { keptDocumentFiles } from '../../project/kept-documents.ts';
import { damage, type Finding } from './finding.ts';

/**
 * The kept originals of documents against the hashes that they are named by, and against the documents that are loaded: each must be there, unless
 * `lake.keep.raw_days` lets them go.
 */
export async function checkDocuments(
  { project, ledger, state_folder }: { project: Project; ledger: Ledger; state_folder: string },
  wanted: (table: string) => boolean,
  { quick, signal }: { readonly quick: boolean; readonly signal: AbortSignal },
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [source, { type }] of Object.entries(project.sources)) {
    const table = `bronze.${source}`;
    if (type !== 'documents' || !wanted(table)) continue;
    const originals = (await keptDocumentFiles(state_folder, source)).filter((file) => !file.is_result);
    const there = new Set(originals.map((file) => file.sha256));
    const missing = ledger.inputs(source).filter((input) => input.status === 'loaded' && !there.has(input.sha256));
    if (project.lake.keep.raw_days === undefined)
      for (const { path, sha256 } of missing)
        findings.push(
          damage('source', `the kept original of ${path} is gone`, {
            table,
            path,
            expected: sha256,
            remedy: 'Its rows are not touched by this. Put the file back under its old name to keep it again.',
          }),
        );
    if (quick) continue;
    const jobs = await Promise.all(
      originals.map(async ({ path }) => ({ path, size_bytes: (await stat(path).catch(() => undefined))?.size ?? 0 })),
    );
    const digests = await digestFiles(jobs, { signal, tell: () => undefined });
    for (const [index, { path, sha256 }] of originals.entries()) {
      const { sha256: actual, error } = digests[index] ?? {};
      if (actual === sha256) continue;
      findings.push(
        damage('source', 'a kept original has other bytes than those that were read', {
          table,
          path: relative(project.root, path),
          expected: sha256,
          actual: actual ?? error ?? null,
          remedy: 'Restore it from a backup. Its rows are not touched by this.',
        }),
      );
    }
  }
  return findings;
}
