/** More names than this are values rather than columns. */
const NAMES_MAX = 1_000;

interface Member {
  readonly name: string;
  objects: number;
  /** The object that had it last. */
  last: number;
}

/** One way to write a name: `a` and `\u0061` are two of one member. */
interface Spelling {
  readonly bytes: Buffer;
  readonly member: Member;
}

/**
 * Counts the members of JSON objects by name while somebody else walks through them. Objects of one kind have mostly the same members in the same order: a
 * name is held against the one that stood at its place in the object before, and is looked up only when it is another.
 */
export class JsonMembers {
  /** Some object had a member twice. */
  twice = false;
  readonly #members = new Map<string, Member>();
  /** Those that an object which counts has had, in the order in which they came up. */
  readonly #had: Member[] = [];
  readonly #spellings = new Map<string, Spelling>();
  /** The names of the object before, in order, and of the one that is being read up to `#at`. */
  readonly #row: (Spelling | undefined)[] = [];
  #at = 0;
  #objects = 0;

  /** An object begins; one that was begun and not taken never was. */
  begin(): void {
    this.#at = 0;
  }

  /** The next name of the object, without its quotes. */
  name(bytes: Uint8Array, from: number, to: number): void {
    const expected = this.#row[this.#at];
    if (expected === undefined || !isSame(expected.bytes, bytes, from, to))
      this.#row[this.#at] = this.#find(bytes, from, to);
    this.#at += 1;
  }

  /** The object that was read counts. */
  take(): void {
    this.#objects += 1;
    for (let at = 0; at < this.#at; at++) {
      const member = this.#row[at]?.member;
      if (member === undefined) continue;
      if (member.objects === 0) this.#had.push(member);
      if (member.last === this.#objects) this.twice = true;
      else member.objects += 1;
      member.last = this.#objects;
    }
  }

  /** The members in the order in which they came up, with the number of objects that had them; undefined when there are too many. Begins anew. */
  tell(): readonly { readonly name: string; readonly records: number }[] | undefined {
    const had = this.#had.splice(0);
    const told =
      this.#members.size > NAMES_MAX ? undefined : had.map(({ name, objects }) => ({ name, records: objects }));
    this.twice = false;
    this.#members.clear();
    this.#spellings.clear();
    this.#row.length = 0;
    this.#at = 0;
    this.#objects = 0;
    return told;
  }

  /** Undefined when there are too many names already. */
  #find(bytes: Uint8Array, from: number, to: number): Spelling | undefined {
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
    const known = this.#spellings.get(raw);
    if (known !== undefined || this.#members.size > NAMES_MAX) return known;
    const own = Buffer.from(raw, 'latin1');
    const text = own.toString('utf8');
    const name = text.includes('\\') ? String(JSON.parse(`"${text}"`)) : text;
    const member = this.#members.get(name) ?? { name, objects: 0, last: 0 };
    this.#members.set(name, member);
    const spelling = { bytes: own, member };
    this.#spellings.set(raw, spelling);
    return spelling;
  }
}

/** Names are short: a call of the platform would take longer. */
function isSame(name: Buffer, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let at = 0; at < name.length; at++) if (name[at] !== bytes[from + at]) return false;
  return true;
}
