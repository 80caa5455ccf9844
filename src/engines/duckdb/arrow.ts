import type {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampValue,
  DuckDBValue,
} from '@duckdb/node-api';
import type { Data, DataType, Field } from 'apache-arrow';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineColumn } from '../../core/ports/engine.ts';
import { parseType, type TypeNode } from '../../core/types/type-text.ts';

type Arrow = typeof import('apache-arrow');
type Values = readonly (DuckDBValue | undefined)[];

/** Makes an Arrow IPC stream of the engine's chunks, one batch at a time: the API of the engine hands out no Arrow of its own. */
export interface ArrowStream {
  /** The schema, which comes first. */
  head(): Uint8Array;
  batch(columns: readonly Values[], rows: number): Uint8Array;
  /** What ends the stream. */
  tail(): Uint8Array;
}

/** @param columns of the types that the lake stores. @throws DataflowError E_TYPE_UNSUPPORTED */
export async function arrowStream(columns: readonly EngineColumn[]): Promise<ArrowStream> {
  const arrow = await import('apache-arrow');
  const nodes = columns.map(({ type }) => parseType(type));
  const fields = columns.map(({ name }, i) => new arrow.Field(name, arrowType(arrow, nodeAt(nodes, i)), true));
  const schema = new arrow.Schema(fields);
  const pieces = piecesOf(arrow);
  return {
    head: () => pieces((writer) => writer.reset(undefined, schema)),
    batch: (values, rows) =>
      pieces((writer) => {
        const children = values.map((one, i) => dataOf(arrow, nodeAt(nodes, i), one));
        const data = arrow.makeData({ type: new arrow.Struct(fields), length: rows, nullCount: 0, children });
        writer.write(new arrow.RecordBatch(schema, data));
      }),
    tail: () => pieces((writer) => writer.finish()),
  };
}

function nodeAt(nodes: readonly TypeNode[], index: number): TypeNode {
  const node = nodes[index];
  if (node === undefined) throw new RangeError(`an answer has more than ${nodes.length} columns`);
  return node;
}

/** The writer's bytes are taken as they are made: its own queue would hold everything that nobody read yet. */
function piecesOf(arrow: Arrow): (work: (writer: Writer) => void) => Uint8Array {
  let made: Uint8Array[] = [];
  class Collecting extends arrow.RecordBatchStreamWriter {
    protected override _write(chunk: ArrayBufferView): this {
      if (chunk.byteLength > 0) made.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      this._position += chunk.byteLength;
      return this;
    }
  }
  const writer = new Collecting({ autoDestroy: false });
  return (work) => {
    work(writer);
    const bytes = Buffer.concat(made);
    made = [];
    return bytes;
  };
}
type Writer = InstanceType<Arrow['RecordBatchStreamWriter']>;

function arrowType(arrow: Arrow, node: TypeNode): DataType {
  const field = (name: string, inner: TypeNode, nullable = true): Field =>
    new arrow.Field(name, arrowType(arrow, inner), nullable);
  switch (node.kind) {
    case 'decimal':
      return new arrow.Decimal(node.scale, node.precision, 128);
    case 'list':
      return new arrow.List(field('item', node.element));
    case 'struct':
      return new arrow.Struct(node.members.map(({ name, type }) => field(name, type)));
    case 'map': {
      const entry = new arrow.Struct([field('key', node.key, false), field('value', node.value)]);
      return new arrow.Map_(new arrow.Field('entries', entry, false) as never);
    }
    case 'enum':
      return new arrow.Utf8();
    case 'plain':
      return plainType(arrow, node.name);
  }
}

function plainType(arrow: Arrow, name: string): DataType {
  switch (name) {
    case 'boolean':
      return new arrow.Bool();
    case 'tinyint':
      return new arrow.Int8();
    case 'smallint':
      return new arrow.Int16();
    case 'integer':
      return new arrow.Int32();
    case 'bigint':
      return new arrow.Int64();
    case 'float':
      return new arrow.Float32();
    case 'double':
      return new arrow.Float64();
    case 'varchar':
      return new arrow.Utf8();
    case 'blob':
      return new arrow.Binary();
    case 'date':
      return new arrow.DateDay();
    case 'timestamp':
      return new arrow.TimestampMicrosecond();
    case 'timestamptz':
      return new arrow.TimestampMicrosecond('UTC');
    default:
      throw new DataflowError('E_TYPE_UNSUPPORTED', `values of type ${name} have no form in Arrow`);
  }
}

/** The values of one column, or of a part of nested ones, as Arrow lays them out. */
function dataOf(arrow: Arrow, node: TypeNode, values: Values): Data {
  const { nullBitmap, nullCount } = validity(values);
  const base = { type: arrowType(arrow, node), length: values.length, nullCount, nullBitmap };
  const make = (more: object): Data => arrow.makeData({ ...base, ...more } as never);
  switch (node.kind) {
    case 'decimal':
      return make({ data: decimals(values as readonly (DuckDBDecimalValue | null)[]) });
    case 'list': {
      const lists = (values as readonly (DuckDBListValue | null)[]).map((one) => one?.items ?? []);
      const child = dataOf(arrow, node.element, lists.flat());
      return make({ valueOffsets: offsets(lists), child });
    }
    case 'map': {
      const maps = (values as readonly (DuckDBMapValue | null)[]).map((one) => one?.entries ?? []);
      const entries = maps.flat();
      const children = [
        dataOf(
          arrow,
          node.key,
          entries.map((one) => one.key),
        ),
        dataOf(
          arrow,
          node.value,
          entries.map((one) => one.value),
        ),
      ];
      const type = (base.type as InstanceType<Arrow['Map_']>).children[0]?.type;
      const child = arrow.makeData({ type, length: entries.length, nullCount: 0, children } as never);
      return make({ valueOffsets: offsets(maps), child });
    }
    case 'struct': {
      const structs = values as readonly (DuckDBStructValue | null)[];
      const children = node.members.map(({ name, type }) =>
        dataOf(
          arrow,
          type,
          structs.map((one) => one?.entries[name] ?? null),
        ),
      );
      return make({ children });
    }
    case 'enum':
      return make(texts(values));
    case 'plain':
      return make(plainData(node.name, values));
  }
}

function plainData(name: string, values: Values): object {
  switch (name) {
    case 'boolean':
      return { data: bits(values, (one) => one === true) };
    case 'tinyint':
      return { data: Int8Array.from(values as readonly number[]) };
    case 'smallint':
      return { data: Int16Array.from(values as readonly number[]) };
    case 'integer':
      return { data: Int32Array.from(values as readonly number[]) };
    case 'bigint':
      return { data: BigInt64Array.from(values as readonly bigint[], (one) => one ?? 0n) };
    case 'float':
      return { data: Float32Array.from(values as readonly number[]) };
    case 'double':
      return { data: Float64Array.from(values as readonly number[]) };
    case 'date':
      return { data: Int32Array.from(values as readonly (DuckDBDateValue | null)[], (one) => one?.days ?? 0) };
    case 'timestamp':
    case 'timestamptz':
      return {
        data: BigInt64Array.from(values as readonly (DuckDBTimestampValue | null)[], (one) => one?.micros ?? 0n),
      };
    case 'blob':
      return spans((values as readonly (DuckDBBlobValue | null)[]).map((one) => one?.bytes ?? EMPTY));
    default:
      return texts(values);
  }
}

const EMPTY = new Uint8Array(0);

function texts(values: Values): object {
  return spans(values.map((one) => (one === null || one === undefined ? EMPTY : Buffer.from(String(one)))));
}

function spans(parts: readonly Uint8Array[]): object {
  return { valueOffsets: offsets(parts), data: Buffer.concat(parts) };
}

/** Where each value begins among those of all, and where the last one ends. */
function offsets(parts: readonly { readonly length: number }[]): Int32Array {
  const found = new Int32Array(parts.length + 1);
  for (const [i, one] of parts.entries()) found[i + 1] = (found[i] ?? 0) + one.length;
  return found;
}

/** 128 bits each, the lowest first. */
function decimals(values: readonly (DuckDBDecimalValue | null)[]): Uint32Array {
  const words = new BigUint64Array(values.length * 2);
  for (const [i, one] of values.entries()) {
    if (one == null) continue;
    words[i * 2] = BigInt.asUintN(64, one.value);
    words[i * 2 + 1] = BigInt.asUintN(64, one.value >> 64n);
  }
  return new Uint32Array(words.buffer);
}

function validity(values: Values): { readonly nullBitmap: Uint8Array; readonly nullCount: number } {
  let nullCount = 0;
  const nullBitmap = bits(values, (one) => {
    const there = one !== null && one !== undefined;
    if (!there) nullCount += 1;
    return there;
  });
  return { nullBitmap, nullCount };
}

function bits(values: Values, isSet: (value: DuckDBValue | undefined) => boolean): Uint8Array {
  const found = new Uint8Array((values.length + 7) >> 3);
  for (const [i, one] of values.entries()) if (isSet(one)) found[i >> 3] = (found[i >> 3] ?? 0) | (1 << (i & 7));
  return found;
}
