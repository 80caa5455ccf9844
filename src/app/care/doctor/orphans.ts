import { tableKey } from '../../../core/model/table.ts';
import type { Lake } from '../../../core/ports/lake.ts';
import type { LakeCare } from '../../../core/ports/lake-care.ts';
import { sizeText } from '../../../kit/units.ts';
import { type DoctorFinding, warn } from './finding.ts';

/**
 * Data files in the folders of tables that no version names.
 * @param known left-over files that are told of elsewhere
 */
export async function orphans(
  lake: Lake,
  care: LakeCare,
  known: ReadonlySet<string>,
): Promise<readonly DoctorFinding[]> {
  const found: DoctorFinding[] = [];
  for (const table of await lake.tables()) {
    const report = await care.examineLog(table);
    const files = report.orphans.filter((file) => !known.has(file.path));
    const [first] = files;
    if (first === undefined) continue;
    const size = sizeText(files.reduce((sum, file) => sum + file.size_bytes, 0));
    const more = files.length > 1 ? `, and ${files.length - 1} more` : '';
    found.push(
      warn(
        'left-over files',
        `no version of ${tableKey(table)} names ${first.path}${more} (${size})`,
        'No reader sees them. A run that is at work may be about to publish them; else remove them.',
      ),
    );
  }
  return found;
}
