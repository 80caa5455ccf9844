import { looksIntoTable } from '../../../core/model/enrich.ts';
import type { Project } from '../../../core/model/project.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { questionDigest } from '../../../medallion/silver/enrich/answers.ts';

const DAY_MS = 86_400_000;
/** How long answers stay when no lookup is configured any more: the default of `cache_days`. */
const DAYS_KEPT = 30;

/** Forgets answers of lookups that no `cache_days` lets count any more. Returns how many there are. */
export function collectLookups(project: Project, ledger: Pick<Ledger, 'lookups'>, dry_run: boolean): number {
  const specs = Object.values(project.silver)
    .flatMap(({ enrich = [] }) => enrich)
    .flatMap((spec) => (looksIntoTable(spec) ? [] : [spec]));
  const days = Math.max(...(specs.length === 0 ? [DAYS_KEPT] : specs.map(({ cache_days }) => cache_days)));
  const asked = [...new Set(specs.map(questionDigest))];
  return ledger.lookups.collect({ before_ms: Date.now() - days * DAY_MS, asked, dry_run });
}
