import type { FormatInspector } from '../../core/ports/format.ts';
import { type Conversion, type Converted, inspectConverted } from '../stream/inspect-converted.ts';
import { textChunks } from '../stream/text-chunks.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { fixedToCsv } from './lines.ts';

/** Lines of fields of fixed width, as CSV with the same lines. */
export const inspector: FormatInspector = {
  inspect: (request, signal) => inspectConverted(request, signal, 'csv', convert),
};

async function convert(conversion: Conversion): Promise<Converted> {
  const { options } = conversion.request;
  const fields = options.fields ?? {};
  const single = Object.keys(fields).length === 1;
  let [number, records, blank, first] = [0, 0, 0, 0];
  for await (const line of linesOf(conversion)) {
    number += 1;
    // In one column a blank line is a value.
    if (number <= options.skip_lines || (line === '' && (!single || records === 0))) {
      if (records > 0) blank += 1;
      conversion.copy.write('\n');
      continue;
    }
    if (line.includes('\r'))
      throw new UnitFault('bad_line', 'a carriage return stands inside a line', { line: number });
    if (records === 0) first = number;
    records += 1;
    conversion.copy.write(`${fixedToCsv(line, fields)}\n`);
  }
  if (records === 0)
    throw new UnitFault('empty_file', 'it has no lines with anything in them', { line: 1, byte_offset: 0 });
  return {
    records,
    first_record_line: first,
    multiline_records: blank > 0,
    dialect: {
      delimiter: ',',
      quote: '"',
      escape: '"',
      has_header: false,
      skip_lines: first - 1,
      ...(options.null_values === undefined ? {} : { null_values: options.null_values }),
    },
    header: Object.keys(fields),
    notes: blank > 0 ? [`${blank} blank lines`] : [],
  };
}

/** Lines without their ends (LF or CR LF). */
async function* linesOf(conversion: Conversion): AsyncGenerator<string> {
  const { max_line_bytes } = conversion.request.options;
  let held = '';
  let number = 1;
  conversion.facts.line_now = () => number;
  for await (const chunk of textChunks(conversion)) {
    const lines = (held + chunk).split('\n');
    held = lines.pop() ?? '';
    for (const line of lines) {
      yield line.endsWith('\r') ? line.slice(0, -1) : line;
      number += 1;
    }
    if (held.length > max_line_bytes)
      throw new UnitFault('record_too_long', `line ${number} is longer than ${max_line_bytes} bytes (max_line_bytes)`, {
        line: number,
      });
  }
  if (held !== '') yield held;
}
