import type { Schema, Type } from 'avsc';

/** What a logical type became: its JSON. */
class Exact {
  readonly json: string;
  constructor(json: string) {
    this.json = json;
  }
}

/** Makes the type of a schema whose values {@link avroJson} can write without losing a digit. @param named types that the schema refers to */
export async function avroType(schema: string, named: Record<string, Type> = {}): Promise<Type> {
  const { default: avsc } = await import('avsc');
  const long = avsc.types.LongType.__with(
    {
      fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
      toBuffer: (value: bigint) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(value);
        return bytes;
      },
      fromJSON: BigInt,
      toJSON: Number,
      isValid: (value: unknown) => typeof value === 'bigint',
      compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
    },
    false,
  );
  const registry = named as Record<string, Type>;
  registry['long'] ??= long;
  const logical = (write: (value: unknown, schema: Readonly<Record<string, unknown>>) => string) => {
    return class extends avsc.types.LogicalType {
      readonly #schema: Readonly<Record<string, unknown>>;
      constructor(own: Readonly<Record<string, unknown>>, options: object) {
        super(own as never, options as never);
        this.#schema = own;
      }
      override _fromValue(value: unknown): Exact {
        return new Exact(write(value, this.#schema));
      }
      override _toValue(value: unknown): unknown {
        return value;
      }
    };
  };
  const logicalTypes = Object.fromEntries(Object.entries(LOGICAL).map(([name, write]) => [name, logical(write)]));
  return avsc.Type.forSchema(plainLongs(JSON.parse(schema)) as Schema, {
    registry,
    logicalTypes: logicalTypes as never,
    wrapUnions: 'always',
  });
}

/** `{"type": "long"}` says no more than `"long"`, but the library would take its own type for it, which has 53 bits. */
function plainLongs(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plainLongs);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { type, logicalType } = schema as { readonly type?: unknown; readonly logicalType?: unknown };
  if (type === 'long' && !(typeof logicalType === 'string' && logicalType in LOGICAL) && !('name' in schema))
    return type;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, NESTED.has(key) ? plainLongs(value) : value]),
  );
}

/** Where a schema holds others. */
const NESTED = new Set(['type', 'fields', 'items', 'values']);

const LOGICAL: Readonly<Record<string, (value: unknown, schema: Readonly<Record<string, unknown>>) => string>> = {
  decimal: (value, schema) => quoted(decimalText(value as Buffer, Number(schema['scale'] ?? 0))),
  date: (value) => quoted(new Date((value as number) * 86_400_000).toISOString().slice(0, 10)),
  'time-millis': (value) => quoted(timeText(BigInt(value as number) * 1000n)),
  'time-micros': (value) => quoted(timeText(BigInt(value as number))),
  'timestamp-millis': (value) => quoted(`${momentText(BigInt(value as number) * 1000n)}Z`),
  'timestamp-micros': (value) => quoted(`${momentText(BigInt(value as number))}Z`),
  'local-timestamp-millis': (value) => quoted(momentText(BigInt(value as number) * 1000n)),
  'local-timestamp-micros': (value) => quoted(momentText(BigInt(value as number))),
};

/** A value as JSON: long numbers with all their digits, decimals and times as text, bytes as base64. */
export function avroJson(type: Type, value: unknown): string {
  if (value instanceof Exact) return value.json;
  if (value === null || value === undefined) return 'null';
  const inner = type as Type & {
    readonly fields: readonly { readonly name: string; readonly type: Type }[];
    readonly itemsType: Type;
    readonly valuesType: Type;
    readonly types: readonly Type[];
  };
  switch (type.typeName) {
    case 'record':
      return `{${recordMembers(type, value).join(',')}}`;
    case 'array':
      return `[${(value as readonly unknown[]).map((item) => avroJson(inner.itemsType, item)).join(',')}]`;
    case 'map':
      return `{${Object.entries(value)
        .map(([name, item]) => `${quoted(name)}:${avroJson(inner.valuesType, item)}`)
        .join(',')}}`;
    case 'union:wrapped': {
      const [[branch, item] = ['', null]] = Object.entries(value);
      const found = inner.types.find((one) => one.branchName === branch);
      return found === undefined ? 'null' : avroJson(found, item);
    }
    default:
      return scalarJson(value);
  }
}

/** Members of a record as `"name":value`. */
export function recordMembers(type: Type, value: unknown): readonly string[] {
  const { fields } = type as Type & { readonly fields: readonly { readonly name: string; readonly type: Type }[] };
  const members = value as Readonly<Record<string, unknown>>;
  return fields.map((field) => `${quoted(field.name)}:${avroJson(field.type, members[field.name])}`);
}

function scalarJson(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (Buffer.isBuffer(value)) return quoted(value.toString('base64'));
  // JSON has no word for them; the engine reads them from text.
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : quoted(String(value));
  return quoted(String(value));
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Big-endian two's complement with `scale` digits behind the point. */
function decimalText(bytes: Buffer, scale: number): string {
  const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
}

function timeText(micros: bigint): string {
  const two = (value: bigint) => String(value).padStart(2, '0');
  const seconds = micros / 1_000_000n;
  const rest = String(micros % 1_000_000n).padStart(6, '0');
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}.${rest}`;
}

function momentText(micros: bigint): string {
  const below = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = (micros - below) / 1_000_000n;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${String(below).padStart(6, '0')}`;
}
