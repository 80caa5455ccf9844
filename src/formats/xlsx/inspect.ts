import type { FormatInspector } from '../../core/ports/format.ts';
import { type Conversion, type Converted, inspectConverted } from '../stream/inspect-converted.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { ZipMembers } from '../stream/zip.ts';
import { readPart } from './read-part.ts';
import { SheetRecords } from './records.ts';
import { SheetReader } from './sheet.ts';
import { readWorkbook } from './workbook.ts';

/** What workbooks with a password and those of the format before look like. */
const OLD = Buffer.from([0xd0, 0xcf, 0x11, 0xe0]);

/** One sheet of an Excel workbook, as NDJSON in which line = row. The sheet is streamed; only texts that cells share are kept in memory. */
export const inspector: FormatInspector = {
  inspect: (request, signal) => inspectConverted(request, signal, 'ndjson', convert),
};

async function convert({ raw, facts, copy, request, signal }: Conversion): Promise<Converted> {
  const { unit, options } = request;
  if (unit.compression !== 'none')
    throw new UnitFault('nested_archive', 'a workbook is an archive already; it is not read compressed once more');
  const head = raw.next();
  if (head === undefined) throw new UnitFault('empty_file', 'it is empty', { byte_offset: 0 });
  if (head.subarray(0, OLD.length).equals(OLD))
    throw new UnitFault(
      'wrong_format',
      'it is an old workbook (.xls), or has a password; save it as .xlsx without one',
      {
        byte_offset: 0,
      },
    );
  const zip = await ZipMembers.open(unit.uri, options, facts);
  try {
    const book = await readWorkbook(zip, options.sheet, signal);
    const records = new SheetRecords(copy, request);
    const sheet = new SheetReader(book, (number, cells) => records.row(number, cells));
    await readPart(zip, book.part, sheet, signal);
    const { header, blank_rows, first_row } = records;
    if (header.length === 0) throw new UnitFault('empty_file', 'the sheet holds nothing', { line: 1 });
    return {
      records: records.records,
      first_record_line: first_row,
      multiline_records: blank_rows > 0,
      header,
      notes: [
        ...(sheet.merged > 0 ? [`${sheet.merged} merged ranges: only the first cell of each holds a value`] : []),
        ...(blank_rows > 0 ? [`${blank_rows} blank rows`] : []),
      ],
    };
  } finally {
    zip.close();
  }
}
