import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** How one field of a message is written and read. */
export interface Field<T> {
  readonly number: number;
  write(writer: BinaryWriter, value: T): void;
  /** @param before what the same field held before in this message. */
  read(reader: BinaryReader, before: T | undefined): T;
}

/** The fields of a message that we know, by name; others are passed over. */
export type Shape = Readonly<Record<string, Field<unknown>>>;

/** A message of a shape. A field that is absent holds the default of its type on the wire. */
export type Message<S extends Shape> = {
  readonly [K in keyof S]?: (S[K] extends Field<infer T> ? T : never) | undefined;
};

export function encode<S extends Shape>(shape: S, message: Message<S>): Uint8Array {
  const writer = new BinaryWriter();
  writeMessage(writer, shape, message);
  return writer.finish();
}

export function decode<S extends Shape>(shape: S, bytes: Uint8Array): Message<S> {
  return readMessage(new BinaryReader(bytes), bytes.length, shape);
}

export function text(number: number): Field<string> {
  return {
    number,
    write: (writer, value) => writer.tag(number, WireType.LengthDelimited).string(value),
    read: (reader) => reader.string(),
  };
}

/** Bytes, and messages that are handed on as they came. */
export function bytes(number: number): Field<Uint8Array> {
  return {
    number,
    write: (writer, value) => writer.tag(number, WireType.LengthDelimited).bytes(value),
    read: (reader) => reader.bytes(),
  };
}

export function flag(number: number): Field<boolean> {
  return {
    number,
    write: (writer, value) => writer.tag(number, WireType.Varint).bool(value),
    read: (reader) => reader.bool(),
  };
}

/** A whole number of any width, an enum among them; exact up to 2^53. */
export function whole(number: number): Field<number> {
  return {
    number,
    write: (writer, value) => writer.tag(number, WireType.Varint).int64(value),
    read: (reader) => Number(reader.int64()),
  };
}

/** A message inside; the shape comes later, as it may hold itself. */
export function inner<S extends Shape>(number: number, shape: () => S): Field<Message<S>> {
  return {
    number,
    write: (writer, value) => {
      writer.tag(number, WireType.LengthDelimited).fork();
      writeMessage(writer, shape(), value);
      writer.join();
    },
    read: (reader) => {
      const length = reader.uint32();
      return readMessage(reader, reader.pos + length, shape());
    },
  };
}

/** A field that comes any number of times. */
export function many<T>(field: Field<T>): Field<readonly T[]> {
  return {
    number: field.number,
    write: (writer, values) => {
      for (const value of values) field.write(writer, value);
    },
    read: (reader, before = []) => {
      const values = before as T[];
      values.push(field.read(reader, undefined));
      return values;
    },
  };
}

function writeMessage<S extends Shape>(writer: BinaryWriter, shape: S, message: Message<S>): void {
  for (const [name, field] of Object.entries(shape)) {
    const value = message[name];
    if (value !== undefined) field.write(writer, value);
  }
}

function readMessage<S extends Shape>(reader: BinaryReader, end: number, shape: S): Message<S> {
  const names = namesOf(shape);
  const message: Record<string, unknown> = {};
  while (reader.pos < end) {
    const [number, wire] = reader.tag();
    const name = names.get(number);
    if (name === undefined) reader.skip(wire, number);
    else message[name] = shape[name]?.read(reader, message[name]);
  }
  return message as Message<S>;
}

const known = new WeakMap<Shape, ReadonlyMap<number, string>>();

function namesOf(shape: Shape): ReadonlyMap<number, string> {
  const found = known.get(shape) ?? new Map(Object.entries(shape).map(([name, field]) => [field.number, name]));
  known.set(shape, found);
  return found;
}
