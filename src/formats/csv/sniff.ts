import type { CsvDialect } from '../../core/ports/engine.ts';
import { csvMachine, measureRecord } from './machine.ts';

const DELIMITERS = [',', ';', '\t', '|'];
const RECORDS_MAX = 200;

/** How well a delimiter fits a text: the share of records with as many fields as the first one. */
interface Fit {
  readonly delimiter: string;
  readonly fields: number;
  readonly share: number;
}

/**
 * The delimiter of a CSV text by consistency: the one that gives the first record several fields and most other records the same
 * number. `preferred` wins a tie, and stands when the text has one column. `head` begins at the first record; if `cut`, its last
 * record may be incomplete and is left out.
 */
export function sniffDelimiter(
  head: Buffer,
  dialect: Pick<CsvDialect, 'quote' | 'escape'>,
  preferred: string,
  cut: boolean,
): string {
  const candidates = [preferred, ...DELIMITERS.filter((one) => one !== preferred)];
  let best: Fit | undefined;
  for (const delimiter of candidates) {
    const fit = fitOf(head, { ...dialect, delimiter }, cut);
    if (fit.fields < 2) continue;
    const better =
      best === undefined ||
      fit.share > best.share ||
      (fit.share === best.share && best.delimiter !== preferred && fit.fields > best.fields);
    if (better) best = fit;
    // Nothing fits better than the preferred one when that fits everywhere.
    if (delimiter === preferred && fit.share === 1) break;
  }
  return best?.delimiter ?? preferred;
}

function fitOf(head: Buffer, dialect: Pick<CsvDialect, 'delimiter' | 'quote' | 'escape'>, cut: boolean): Fit {
  const machine = csvMachine(dialect);
  let first = 0;
  let same = 0;
  let records = 0;
  for (let at = 0; at < head.length && records < RECORDS_MAX; ) {
    const record = measureRecord(head, at, machine);
    if (record.fields < 2 && records === 0 && !record.blank) break;
    at += record.bytes;
    if (cut && at >= head.length && records > 0) break;
    if (record.blank) continue;
    if (records === 0) first = record.fields;
    if (record.fields === first) same += 1;
    records += 1;
  }
  return { delimiter: dialect.delimiter, fields: first, share: records === 0 ? 0 : same / records };
}
