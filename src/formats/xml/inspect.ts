import type { FormatInspector, InspectOptions, InspectRequest } from '../../core/ports/format.ts';
import type { Inspection } from '../../core/ports/source.ts';
import { type Conversion, type Converted, inspectConverted } from '../stream/inspect-converted.ts';
import { textChunks } from '../stream/text-chunks.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { XmlReader } from './events.ts';
import { addMember, type Element, newElement, objectJson, valueJson } from './record.ts';
import { RecordLines, SharedLine } from './record-lines.ts';

/**
 * Elements of an XML document, as NDJSON in which line = line of the document where the record begins; where several begin on one line, it is the
 * number of the record. Both that and an encoding that the document itself states are known only on the way, so a file may be read again.
 */
export const inspector: FormatInspector = { inspect: (request, signal) => attempt(request, signal, true) };

/** The document states an encoding that nothing outside of it told. */
class OtherEncoding extends Error {
  readonly encoding: InspectOptions['encoding'];

  constructor(encoding: InspectOptions['encoding']) {
    super(encoding);
    this.encoding = encoding;
  }
}

async function attempt(
  request: InspectRequest,
  signal: AbortSignal | undefined,
  by_line: boolean,
): Promise<Inspection> {
  try {
    return await inspectConverted(request, signal, 'ndjson', (conversion) => convert(conversion, by_line));
  } catch (error) {
    if (error instanceof SharedLine) return await attempt(request, signal, false);
    if (!(error instanceof OtherEncoding)) throw error;
    const options = { ...request.options, encoding: error.encoding };
    return await attempt({ ...request, options }, signal, by_line);
  }
}

async function convert(conversion: Conversion, by_line: boolean): Promise<Converted> {
  const { options } = conversion.request;
  const path = options.record?.split('/') ?? [];
  if (path.length === 0)
    throw new UnitFault('missing_record_path', 'which elements are records is not said; set `record: path/to/element`');
  const lines = new RecordLines(conversion.copy, by_line);
  const records = new Records(path, options.max_line_bytes, (line, json) => lines.record(line, json));
  const reader = new XmlReader(
    {
      open: (name, attributes) => records.open(name, attributes, reader.started_line),
      close: (name) => records.close(name),
      text: (text) => records.text(text, reader.line),
      declared: (said) => judgeEncoding(said, conversion),
    },
    options.max_line_bytes,
  );
  conversion.facts.line_now = () => reader.line;
  for await (const chunk of textChunks(conversion)) reader.push(chunk);
  reader.end();
  if (lines.records === 0)
    throw new UnitFault('empty_file', `it has no element ${options.record}; its outermost element is ${records.root}`);
  return {
    records: lines.records,
    first_record_line: lines.first_line,
    multiline_records: lines.blank > 0,
    notes: by_line ? [] : ['several records begin on one line: their places are their numbers'],
  };
}

const ENCODINGS: readonly (readonly [said: RegExp, encoding: InspectOptions['encoding']])[] = [
  [/^(iso-?8859-1|latin-?1)$/i, 'latin-1'],
  [/^(windows-1252|cp1252)$/i, 'windows-1252'],
];

/** A byte order mark and the configuration say more than the document. */
function judgeEncoding(said: string, { facts, request }: Conversion): void {
  if (facts.byte_order_mark || request.options.encoding !== 'auto' || /^(utf-?8|us-ascii|ascii)$/i.test(said)) return;
  const known = ENCODINGS.find(([pattern]) => pattern.test(said));
  if (known === undefined)
    throw new UnitFault('invalid_encoding', `it says that its encoding is ${said}, which is not read`, { line: 1 });
  throw new OtherEncoding(known[1]);
}

/** Picks the records out of the document. */
class Records {
  root = '';
  readonly #path: readonly string[];
  readonly #chars_max: number;
  readonly #record: (line: number, json: string) => void;
  readonly #open: string[] = [];
  /** The record and the elements in it that are open. */
  readonly #elements: Element[] = [];
  #line = 1;
  #chars = 0;

  constructor(path: readonly string[], chars_max: number, record: (line: number, json: string) => void) {
    this.#path = path;
    this.#chars_max = chars_max;
    this.#record = record;
  }

  open(name: string, attributes: Readonly<Record<string, string>>, line: number): void {
    if (this.#open.length === 0) this.root = name;
    this.#open.push(name);
    if (this.#elements.length === 0) {
      if (this.#open.length !== this.#path.length || !this.#open.every((one, at) => one === this.#path[at])) return;
      this.#line = line;
      this.#chars = 0;
    }
    this.#count(name.length + Object.entries(attributes).join().length, line);
    this.#elements.push(newElement(attributes));
  }

  text(text: string, line: number): void {
    const element = this.#elements.at(-1);
    if (element === undefined) return;
    this.#count(text.length, line);
    element.text += text;
  }

  close(name: string): void {
    this.#open.pop();
    const element = this.#elements.pop();
    if (element === undefined) return;
    const parent = this.#elements.at(-1);
    if (parent === undefined) this.#record(this.#line, objectJson(element));
    else addMember(parent, name, valueJson(element));
  }

  #count(chars: number, line: number): void {
    this.#chars += chars;
    if (this.#chars > this.#chars_max)
      throw new UnitFault('record_too_long', `a record is longer than ${this.#chars_max} (max_line_bytes)`, { line });
  }
}
