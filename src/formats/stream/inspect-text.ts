import type { InspectRequest } from '../../core/ports/format.ts';
import type { Inspection } from '../../core/ports/source.ts';
import { type TextCopy, writeCopy } from './copy.ts';
import { RawReader } from './raw.ts';
import { newTextFacts, type TextFacts, textOf } from './text.ts';
import { UnitFault } from './unit-fault.ts';

/** What a text format found out by reading the text to its end. */
export interface TextOutcome
  extends Pick<
    Inspection,
    | 'records'
    | 'first_record_line'
    | 'multiline_records'
    | 'record_lines'
    | 'dialect'
    | 'header'
    | 'doubtful'
    | 'fields'
    | 'doubtful_records'
  > {
  /** Set when the engine cannot read the text as it stands: how to write the copy. */
  readonly copy?: TextCopy;
  readonly notes: readonly string[];
}

/** Reads the text and counts its records. Throws UnitFault when the unit as a whole cannot be taken. */
export type TextReading = (text: AsyncGenerator<Buffer>, facts: TextFacts) => Promise<TextOutcome>;

/**
 * The pass that all text formats share: read once, hash, decompress, decode, hand the text to `reading`, judge the encoding, and write a
 * decoded copy where the engine needs one.
 * @throws DataflowError E_SOURCE_IO; the reason of an aborted signal
 */
export async function inspectText(
  request: InspectRequest,
  signal: AbortSignal | undefined,
  plainCopy: TextCopy,
  reading: TextReading,
): Promise<Inspection> {
  const raw = new RawReader(request.unit.uri, signal);
  const facts = newTextFacts();
  try {
    let outcome: TextOutcome;
    try {
      outcome = await reading(textOf(raw, request, facts), facts);
      if (request.options.complete !== true) judgeEncoding(facts, outcome.records);
    } catch (error) {
      if (!(error instanceof UnitFault)) throw error;
      return {
        ...shared(raw, facts),
        records: 0,
        first_record_line: 1,
        multiline_records: false,
        problem: error.problem,
        notes: facts.notes,
      };
    }
    const { copy, notes, ...rest } = outcome;
    const wanted = copy ?? (facts.needs_copy || facts.encoding !== 'utf-8' ? plainCopy : undefined);
    const identity = shared(raw, facts);
    const decoded = wanted === undefined ? {} : { decoded_uri: await writeCopy(request, wanted, signal) };
    return { ...identity, ...rest, ...decoded, notes: [...facts.notes, ...notes, ...encodingNotes(facts)] };
  } finally {
    raw.close();
  }
}

function shared(
  raw: RawReader,
  facts: TextFacts,
): Pick<Inspection, 'sha256' | 'size_bytes' | 'expanded_bytes' | 'encoding'> {
  const sha256 = raw.finish();
  return { sha256, size_bytes: raw.read_bytes, expanded_bytes: facts.expanded_bytes, encoding: facts.encoding };
}

const ENCODING_HINT = 'if it is in another encoding, say so: `encoding: windows-1252` (or latin-1, utf-16)';

/** Some lines with wrong bytes are the engine's to reject one by one; most lines wrong means that the encoding is another one. */
function judgeEncoding(facts: TextFacts, records: number): void {
  const { invalid_lines, first_offset } = facts.utf8;
  if (invalid_lines === 0 || first_offset === undefined || invalid_lines * 2 <= records) return;
  throw new UnitFault(
    'invalid_encoding',
    `${invalid_lines} of its ${records} records are not UTF-8; ${ENCODING_HINT}`,
    { byte_offset: first_offset },
  );
}

function encodingNotes(facts: TextFacts): readonly string[] {
  const { invalid_lines, first_offset } = facts.utf8;
  const notes: string[] = [];
  if (facts.byte_order_mark) notes.push('byte order mark');
  if (invalid_lines > 0)
    notes.push(`${invalid_lines} lines are not UTF-8, the first at byte ${first_offset}; ${ENCODING_HINT}`);
  return notes;
}
