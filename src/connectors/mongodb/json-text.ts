import {
  type BsonValue,
  binaryOf,
  dateOf,
  decimalOf,
  elementsOf,
  stringOf,
  TYPE,
  textOf,
  UnreadableBson,
  uuidOf,
} from './bson-values.ts';

const UUID_SUBTYPE = 4;
const UUID_BYTES = 16;
const quote = JSON.stringify as (text: string) => string;

/**
 * A value as the JSON that goes into a row. Numbers that JSON readers take exactly are numbers (int32, int64, double: `5.0`, so that a double is
 * known as one); everything else is text that the engine casts exactly to the declared type.
 */
export function plainJson(value: BsonValue): string {
  const { bytes, type, at } = value;
  switch (type) {
    case TYPE.double:
      return doubleJson(bytes.readDoubleLE(at));
    case TYPE.int32:
      return String(bytes.readInt32LE(at));
    case TYPE.int64:
      return String(bytes.readBigInt64LE(at));
    case TYPE.boolean:
      return bytes[at] === 0 ? 'false' : 'true';
    case TYPE.null:
    case TYPE.undefined:
      return 'null';
    case TYPE.document:
      return `{${elementsOf(bytes, at)
        .map((element) => `${quote(element.name)}:${plainJson(element)}`)
        .join(',')}}`;
    case TYPE.array:
      return `[${elementsOf(bytes, at).map(plainJson).join(',')}]`;
    default:
      return quote(plainText(value));
  }
}

/** A double as JSON: always with a point or an exponent; what JSON has no number for is text. */
function doubleJson(number: number): string {
  if (!Number.isFinite(number)) return quote(String(number));
  return doubleText(number);
}

function doubleText(number: number): string {
  if (Object.is(number, -0)) return '-0.0';
  return Number.isInteger(number) && Math.abs(number) < 1e21 ? number.toFixed(1) : String(number);
}

function plainText(value: BsonValue): string {
  const { bytes, type, at, end } = value;
  switch (type) {
    case TYPE.string:
    case TYPE.code:
    case TYPE.symbol:
      return stringOf(value);
    case TYPE.object_id:
      return bytes.toString('hex', at, end);
    case TYPE.date:
      return dateOf(value) ?? String(bytes.readBigInt64LE(at));
    case TYPE.decimal128:
      return decimalOf(value);
    case TYPE.binary: {
      const { subtype, content } = binaryOf(value);
      if (subtype === UUID_SUBTYPE && content.length === UUID_BYTES) return uuidOf(content);
      return content.toString('hex').replaceAll(/../g, '\\x$&');
    }
    case TYPE.timestamp:
      return `${bytes.readUInt32LE(at + 4)}:${bytes.readUInt32LE(at)}`;
    case TYPE.regex: {
      const border = bytes.indexOf(0, at);
      return `/${textOf(bytes, at, border)}/${textOf(bytes, border + 1, end - 1)}`;
    }
    case TYPE.min_key:
      return 'MinKey';
    case TYPE.max_key:
      return 'MaxKey';
    default:
      return canonicalJson(value);
  }
}

/** A value as canonical extended JSON: every type is told, nothing is lost. */
export function canonicalJson(value: BsonValue): string {
  const { bytes, type, at, end } = value;
  switch (type) {
    case TYPE.double: {
      const number = bytes.readDoubleLE(at);
      return `{"$numberDouble":${quote(Number.isFinite(number) ? doubleText(number) : String(number))}}`;
    }
    case TYPE.int32:
      return `{"$numberInt":"${bytes.readInt32LE(at)}"}`;
    case TYPE.int64:
      return `{"$numberLong":"${bytes.readBigInt64LE(at)}"}`;
    case TYPE.decimal128:
      return `{"$numberDecimal":${quote(decimalOf(value))}}`;
    case TYPE.string:
      return quote(stringOf(value));
    case TYPE.symbol:
      return `{"$symbol":${quote(stringOf(value))}}`;
    case TYPE.code:
      return `{"$code":${quote(stringOf(value))}}`;
    case TYPE.document:
      return canonicalDocument(bytes, at);
    case TYPE.array:
      return `[${elementsOf(bytes, at).map(canonicalJson).join(',')}]`;
    case TYPE.boolean:
      return bytes[at] === 0 ? 'false' : 'true';
    case TYPE.null:
      return 'null';
    case TYPE.undefined:
      return '{"$undefined":true}';
    case TYPE.object_id:
      return `{"$oid":"${bytes.toString('hex', at, end)}"}`;
    case TYPE.date:
      return `{"$date":{"$numberLong":"${bytes.readBigInt64LE(at)}"}}`;
    default:
      return rareJson(value);
  }
}

function rareJson(value: BsonValue): string {
  const { bytes, type, at, end } = value;
  switch (type) {
    case TYPE.binary: {
      const { subtype, content } = binaryOf(value);
      const kind = subtype.toString(16).padStart(2, '0');
      return `{"$binary":{"base64":"${content.toString('base64')}","subType":"${kind}"}}`;
    }
    case TYPE.timestamp:
      return `{"$timestamp":{"t":${bytes.readUInt32LE(at + 4)},"i":${bytes.readUInt32LE(at)}}}`;
    case TYPE.regex: {
      const border = bytes.indexOf(0, at);
      const options = quote(textOf(bytes, border + 1, end - 1));
      return `{"$regularExpression":{"pattern":${quote(textOf(bytes, at, border))},"options":${options}}}`;
    }
    case TYPE.code_with_scope: {
      const code = { bytes, type: TYPE.code, at: at + 4, end };
      const scope = at + 8 + bytes.readInt32LE(at + 4);
      return `{"$code":${quote(stringOf(code))},"$scope":${canonicalDocument(bytes, scope)}}`;
    }
    case TYPE.db_pointer: {
      const id = bytes.toString('hex', end - 12, end);
      return `{"$dbPointer":{"$ref":${quote(stringOf(value))},"$id":{"$oid":"${id}"}}}`;
    }
    case TYPE.min_key:
      return '{"$minKey":1}';
    case TYPE.max_key:
      return '{"$maxKey":1}';
    default:
      throw new UnreadableBson(`there is no BSON type ${type}`);
  }
}

/** The document that begins at `at`. */
export function canonicalDocument(bytes: Buffer, at = 0): string {
  const members = elementsOf(bytes, at).map((element) => `${quote(element.name)}:${canonicalJson(element)}`);
  return `{${members.join(',')}}`;
}
