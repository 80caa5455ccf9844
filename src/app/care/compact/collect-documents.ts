import { rm, stat } from 'node:fs/promises';
import type { Project } from '../../../core/model/project.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { type KeptDocumentFile, keptDocumentFiles } from '../../project/kept-documents.ts';

const DAY_MS = 86_400_000;

/** What of kept documents was collected, or would be. */
export interface CollectedDocuments {
  readonly source: string;
  readonly files: number;
  readonly size_bytes: number;
}

/**
 * Takes away what is kept of documents that nobody knows any more (other bytes came under their name, or their run died), once no version that can
 * still be read may come from them; and, where `lake.keep.raw_days` says so, originals older than that: their rows and results stay.
 */
export async function collectDocuments(
  { project, ledger, state_folder }: { project: Project; ledger: Ledger; state_folder: string },
  sources: ReadonlySet<string> | undefined,
  options: { readonly grace_ms: number; readonly dry_run: boolean },
): Promise<readonly CollectedDocuments[]> {
  const { versions_days, raw_days } = project.lake.keep;
  const now_ms = Date.now();
  const limits = {
    unknown_before_ms: now_ms - Math.max(versions_days * DAY_MS, options.grace_ms),
    original_before_ms: raw_days === undefined ? Number.NEGATIVE_INFINITY : now_ms - raw_days * DAY_MS,
  };
  const done: CollectedDocuments[] = [];
  for (const [source, { type }] of Object.entries(project.sources)) {
    if (type !== 'documents' || sources?.has(source) === false) continue;
    const known = new Set(ledger.inputs(source).map((input) => input.sha256));
    const spent = await spentFiles(await keptDocumentFiles(state_folder, source), known, limits);
    if (!options.dry_run) for (const { path } of spent) await rm(path, { force: true });
    const size_bytes = spent.reduce((sum, file) => sum + file.size_bytes, 0);
    if (spent.length > 0) done.push({ source, files: spent.length, size_bytes });
  }
  return done;
}

async function spentFiles(
  files: readonly KeptDocumentFile[],
  known: ReadonlySet<string>,
  limits: { readonly unknown_before_ms: number; readonly original_before_ms: number },
): Promise<readonly { readonly path: string; readonly size_bytes: number }[]> {
  const spent: { path: string; size_bytes: number }[] = [];
  for (const { path, sha256, is_result } of files) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    const is_unknown = !known.has(sha256) && found.mtimeMs < limits.unknown_before_ms;
    const is_old = !is_result && found.mtimeMs < limits.original_before_ms;
    if (is_unknown || is_old) spent.push({ path, size_bytes: found.size });
  }
  return spent;
}
