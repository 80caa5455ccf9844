import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { InputUnit, Inspection, SourceContext } from '../../core/ports/source.ts';
import type { FilesAway } from './files-away.ts';

/** What executors can hash: they hold a file in memory as a whole. */
const BYTES_MAX = 2 ** 31 - 1;

/** Parquet files of a place that stay where they are: nothing of them comes here but what tells their columns and records. */
export class StayingFiles {
  readonly #base: string;
  readonly #away: FilesAway;
  readonly #inspected = new Set<string>();

  /** @param in_place what the cluster calls the place's beginning @throws DataflowError E_CONFIG_INVALID */
  constructor(in_place: string, away: FilesAway | undefined) {
    if (away === undefined)
      throw new DataflowError(
        'E_CONFIG_INVALID',
        'in_place goes with a connection: it says where its files are for Spark',
      );
    this.#base = in_place.replace(/\/+$/, '');
    this.#away = away;
  }

  /** @param inspect of the file that has the ends of the unit */
  async inspect(
    unit: InputUnit,
    context: SourceContext,
    inspect: (ends: InputUnit) => Promise<Inspection>,
  ): Promise<Inspection> {
    if (unit.member !== undefined)
      return refused(unit, 'in_an_archive', 'what is in an archive cannot be read in place; leave in_place out');
    if (unit.size_bytes > BYTES_MAX)
      return refused(
        unit,
        'too_large',
        `it has ${unit.size_bytes} bytes, and ${BYTES_MAX} are the limit in place; leave in_place out, or write smaller files`,
      );
    const { uri, path } = await this.#away.endsOf(unit, context);
    this.#inspected.add(unit.uri);
    const inspection = await inspect({ ...unit, uri });
    return { ...inspection, local_uri: uri, address: `${this.#base}/${path.replace(/^\/+/, '')}` };
  }

  /** Of a unit that was inspected here; the others were copied. */
  async unchanged(unit: InputUnit): Promise<boolean> {
    return !this.#inspected.has(unit.uri) || (await this.#away.unchanged(unit));
  }
}

function refused({ size_bytes }: InputUnit, rule: string, reason: string): Inspection {
  return {
    ...{ sha256: '', size_bytes, expanded_bytes: size_bytes, records: 0, first_record_line: 1 },
    ...{ multiline_records: false, encoding: 'binary', notes: [], problem: { rule, reason } },
  };
}
