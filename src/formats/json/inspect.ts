import type { FormatInspector, InspectRequest } from '../../core/ports/format.ts';
import { verbatimCopy } from '../stream/copy.ts';
import { inspectText, type TextOutcome } from '../stream/inspect-text.ts';
import type { TextFacts } from '../stream/text.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { MemberScan, memberFacts } from './member-scan.ts';
import { JsonScan } from './scan.ts';

/** One JSON document a file: an array of objects, or one object. */
export const inspector: FormatInspector = {
  inspect: (request, signal) =>
    inspectText(request, signal, verbatimCopy('json'), (text, facts) => readDocument(text, facts, request)),
};

async function readDocument(
  text: AsyncGenerator<Buffer>,
  facts: TextFacts,
  request: InspectRequest,
): Promise<TextOutcome> {
  const scan = new JsonScan(request.options.max_line_bytes);
  facts.line_now = () => scan.line;
  const members = new MemberScan('json');
  for await (const chunk of text) {
    scan.push(chunk);
    members.push(chunk);
  }
  scan.end();
  const invalid = facts.utf8.first_offset;
  if (invalid !== undefined)
    throw new UnitFault('invalid_encoding', 'its bytes are not UTF-8, as JSON must be', { byte_offset: invalid });
  return {
    records: scan.records,
    first_record_line: scan.first_line,
    multiline_records: true,
    ...memberFacts(members),
    // The engine takes a byte order mark in front of an array for part of the data.
    ...(facts.byte_order_mark ? { copy: verbatimCopy('json') } : {}),
    notes: [],
  };
}
