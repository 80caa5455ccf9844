import type { Type } from 'avsc';
import type { FormatInspector } from '../../core/ports/format.ts';
import { avroJson, avroType } from '../../kit/avro-json.ts';
import { RATIO_FLOOR_BYTES } from '../stream/expand.ts';
import { type Conversion, type Converted, inspectConverted } from '../stream/inspect-converted.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { type AvroBlock, AvroBlocks, type AvroHeader, type BlockLimits } from './blocks.ts';

const BLOCK_BYTES_MAX = 256 * 1024 * 1024;

/** Avro object container files, block by block, as NDJSON with a record a line. */
export const inspector: FormatInspector = {
  inspect: (request, signal) => inspectConverted(request, signal, 'ndjson', convert),
};

async function convert({ raw, facts, copy, request }: Conversion): Promise<Converted> {
  if (request.unit.compression !== 'none')
    throw new UnitFault('nested_archive', 'an Avro file is compressed inside; it is not read compressed once more');
  const blocks = new AvroBlocks(() => raw.next());
  const type = await typeOf(blocks.header());
  const { fields } = type as Type & { readonly fields: readonly { readonly name: string }[] };
  const limits = limitsOf({ raw, facts, request });
  let records = 0;
  for (;;) {
    const block = await blocks.block(limits);
    if (block === undefined) break;
    for (const json of recordsOf(block, type)) copy.write(`${json}\n`);
    records += block.records;
  }
  if (records === 0) throw new UnitFault('empty_file', 'it holds no records');
  return {
    records,
    first_record_line: 1,
    multiline_records: false,
    fields: fields.map(({ name }) => ({ name })),
    notes: [],
  };
}

async function typeOf({ schema }: AvroHeader): Promise<Type> {
  let type: Type;
  try {
    type = await avroType(schema);
  } catch (error) {
    throw new UnitFault('damaged_avro', `its schema is not sound: ${(error as Error).message}`);
  }
  if (type.typeName !== 'record')
    throw new UnitFault('wrong_format', `it holds values of type ${type.typeName}, not records`);
  return type;
}

function limitsOf({ raw, facts, request }: Pick<Conversion, 'raw' | 'facts' | 'request'>): BlockLimits {
  const { max_expanded_bytes, max_ratio } = request.options;
  return {
    block_bytes_max: Math.min(BLOCK_BYTES_MAX, max_expanded_bytes),
    count: (bytes) => {
      facts.expanded_bytes += bytes;
      if (facts.expanded_bytes > max_expanded_bytes)
        throw new UnitFault('expansion_limit', `it expands beyond ${max_expanded_bytes} bytes (max_expanded_bytes)`);
      if (facts.expanded_bytes > Math.max(RATIO_FLOOR_BYTES, raw.size_bytes * max_ratio))
        throw new UnitFault('expansion_limit', `it expands to more than ${max_ratio} times its size (max_ratio)`);
    },
  };
}

/** Records fill their block to its last byte, or it is damaged. */
function* recordsOf({ records, bytes, offset }: AvroBlock, type: Type): Generator<string> {
  const damaged = (reason: string): UnitFault => new UnitFault('damaged_avro', reason, { byte_offset: offset });
  let at = 0;
  for (let n = 0; n < records; n++) {
    let json: string;
    let next: number;
    try {
      const read = type.decode(bytes, at);
      next = read.offset;
      json = next < 0 ? '' : avroJson(type, read.value);
    } catch (error) {
      throw damaged(`record ${n + 1} of a block is not what the schema says: ${(error as Error).message}`);
    }
    if (next < 0) throw damaged('a block ends in the middle of a record');
    // Records without any bytes could be any number.
    if (next === at && records > bytes.length + 1) throw damaged('a block names more records than it has');
    at = next;
    yield json;
  }
  if (at !== bytes.length) throw damaged('a block is longer than its records');
}
