import { type Data, type DataType, DateUnit, type RecordBatch, TimeUnit, Type } from 'apache-arrow';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Cell, Row } from '../../core/ports/engine.ts';
import { binaryText, dateText, decimalText, timestampText } from './cell-text.ts';

/** Gives the cell of a row of one column. */
type Reader = (row: number) => Cell;

/**
 * The rows of a batch in the form that all engines give: whole numbers within 2^53 as numbers and beyond as bigint, decimals as exact text,
 * times in ISO form to the microsecond (instants with Z), bytes as text with escapes, maps as lists of key and value.
 * @throws DataflowError E_TYPE_UNSUPPORTED for a column of a type that has no such form.
 */
export function batchRows(batch: RecordBatch): readonly Row[] {
  const columns = batch.schema.fields.map(
    ({ name }, index) => [name, readerOf(batch.data.children[index], name)] as const,
  );
  const rows: Row[] = [];
  for (let at = 0; at < batch.numRows; at++) {
    const row: Record<string, Cell> = {};
    for (const [name, read] of columns) row[name] = read(at);
    rows.push(row);
  }
  return rows;
}

function readerOf(data: Data | undefined, name: string): Reader {
  if (data === undefined || data.typeId === Type.Null) return () => null;
  const read = valueReader(data, name);
  if (data.nullCount === 0) return read;
  return (row) => (data.getValid(row) ? read(row) : null);
}

function valueReader(data: Data, name: string): Reader {
  const type: DataType = data.type;
  const { values, valueOffsets } = data;
  switch (type.typeId) {
    case Type.Bool:
      return (row) =>
        (((values as Uint8Array)[(row + data.offset) >> 3] ?? 0) & (1 << ((row + data.offset) & 7))) !== 0;
    case Type.Int:
      return (row) => whole(values[row]);
    case Type.Float:
      return (row) => finite(values[row]);
    case Type.Utf8:
    case Type.LargeUtf8:
      return spans(values, valueOffsets, (bytes, from, to) => bytes.toString('utf8', from, to));
    case Type.Binary:
    case Type.LargeBinary:
      return spans(values, valueOffsets, (bytes, from, to) => binaryText(bytes.subarray(from, to)));
    case Type.Decimal:
      return (row) => decimalText(values as Uint32Array, row * 4, (type as unknown as { scale: number }).scale);
    case Type.Date:
      if ((type as unknown as { unit: DateUnit }).unit === DateUnit.DAY) return (row) => dateText(Number(values[row]));
      break;
    case Type.Timestamp: {
      const { unit, timezone } = type as unknown as { unit: TimeUnit; timezone: string | null };
      if (unit !== TimeUnit.MICROSECOND) break;
      const suffix = timezone == null ? '' : 'Z';
      return (row) => timestampText(values[row] as bigint) + suffix;
    }
    case Type.List:
      return listReader(data, readerOf(data.children[0], name));
    case Type.Map: {
      const entries = data.children[0];
      const [key, value] = [readerOf(entries?.children[0], name), readerOf(entries?.children[1], name)];
      return listReader(data, (row) => ({ key: key(row), value: value(row) }));
    }
    case Type.Struct: {
      const members = type.children.map((field, index) => [field.name, readerOf(data.children[index], name)] as const);
      return (row) => Object.fromEntries(members.map(([member, read]) => [member, read(row)]));
    }
  }
  throw new DataflowError('E_TYPE_UNSUPPORTED', `column ${name} of the result has type ${type}`, {
    hint: 'Cast the column to string in the query.',
  });
}

function whole(value: number | bigint): number | bigint {
  if (typeof value === 'number') return value;
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

function finite(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function spans(
  values: Uint8Array,
  offsets: Int32Array | BigInt64Array,
  cell: (bytes: Buffer, from: number, to: number) => string,
): Reader {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return (row) => cell(bytes, Number(offsets[row]), Number(offsets[row + 1]));
}

function listReader({ valueOffsets: offsets }: Data, read: Reader): Reader {
  return (row) => {
    const items: Cell[] = [];
    for (let at = Number(offsets[row]); at < Number(offsets[row + 1]); at++) items.push(read(at));
    return items;
  };
}
