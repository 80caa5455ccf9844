import type { InspectRequest } from '../../core/ports/format.ts';
import type { Inspection } from '../../core/ports/source.ts';
import { CopyWriter } from './copy-writer.ts';
import { RawReader } from './raw.ts';
import { newTextFacts, type TextFacts } from './text.ts';
import { UnitFault } from './unit-fault.ts';

/** What a conversion has to work with. */
export interface Conversion {
  /** The file's bytes; what is not read of them is hashed afterwards. */
  readonly raw: RawReader;
  readonly facts: TextFacts;
  readonly copy: CopyWriter;
  readonly request: InspectRequest;
  readonly signal: AbortSignal | undefined;
}

/** What the conversion found out. */
export type Converted = Pick<
  Inspection,
  'records' | 'first_record_line' | 'multiline_records' | 'dialect' | 'header' | 'fields' | 'notes'
>;

/**
 * The pass that all formats share which no engine reads: read once, hash, and write a copy in a format that the engine does read.
 * `convert` throws UnitFault when the unit as a whole cannot be taken; then no copy stays.
 * @throws DataflowError E_SOURCE_IO, E_LAKE_IO; the reason of an aborted signal
 */
export async function inspectConverted(
  request: InspectRequest,
  signal: AbortSignal | undefined,
  extension: string,
  convert: (conversion: Conversion) => Promise<Converted>,
): Promise<Inspection> {
  const raw = new RawReader(request.unit.uri, signal);
  const facts = newTextFacts();
  const copy = new CopyWriter(request.temp_folder, extension);
  try {
    const found = await outcomeOf(() => convert({ raw, facts, copy, request, signal }));
    const sha256 = raw.finish();
    const decoded = found.problem === undefined ? { decoded_uri: copy.finish() } : {};
    const { read_bytes: size_bytes } = raw;
    const { expanded_bytes, encoding } = facts;
    return {
      sha256,
      size_bytes,
      expanded_bytes,
      encoding,
      ...found,
      ...decoded,
      notes: [...facts.notes, ...found.notes],
    };
  } finally {
    raw.close();
    copy.abandon();
  }
}

async function outcomeOf(convert: () => Promise<Converted>): Promise<Converted & Pick<Inspection, 'problem'>> {
  try {
    return await convert();
  } catch (error) {
    if (!(error instanceof UnitFault)) throw error;
    return { records: 0, first_record_line: 1, multiline_records: false, problem: error.problem, notes: [] };
  }
}
