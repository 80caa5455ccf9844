/** More names than this are values rather than columns. */
const NAMES_MAX = 1_000;

/** How values are written, one bit each; null sets none. A whole number or one with a fraction has at most 15 characters; longer ones are `other`. */
export const FORMS = { whole: 1, number: 2, text: 4, instant: 8, boolean: 16, nested: 32, other: 64 } as const;

/** How all values of a member are written that are not null: a `number` may be whole, a `text` may be an instant. */
export type ValueForm = keyof typeof FORMS;

interface Member {
  readonly name: string;
  objects: number;
  /** How its values are written: a sum of FORMS. */
  forms: number;
  /** The object that had it last. */
  last: number;
}

/** One way to write a name: `a` and `\u0061` are two of one member. */
interface Spelling {
  readonly bytes: Buffer;
  readonly member: Member;
}

/** A member, the number of objects that had it, and how its values are written unless all are null. */
export interface ToldMember {
  readonly name: string;
  readonly records: number;
  readonly form?: ValueForm;
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
  /** How the values of that object are written. */
  readonly #forms: number[] = [];
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
    this.#forms[this.#at] = 0;
    this.#at += 1;
  }

  /** How the value behind the last name is written: one of FORMS; null is not told. */
  value(form: number): void {
    this.#forms[this.#at - 1] = form;
  }

  /** The object that was read counts. */
  take(): void {
    this.#objects += 1;
    for (let at = 0; at < this.#at; at++) {
      const member = this.#row[at]?.member;
      if (member === undefined) continue;
      if (member.objects === 0) this.#had.push(member);
      member.forms |= this.#forms[at] as number;
      if (member.last === this.#objects) this.twice = true;
      else member.objects += 1;
      member.last = this.#objects;
    }
  }

  /** The members in the order in which they came up, with the number of objects that had them; undefined when there are too many. Begins anew. */
  tell(): readonly ToldMember[] | undefined {
    const had = this.#had.splice(0);
    const told =
      this.#members.size > NAMES_MAX
        ? undefined
        : had.map(({ name, objects, forms }) => ({ name, records: objects, ...formOf(forms) }));
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
    const member = this.#members.get(name) ?? { name, objects: 0, forms: 0, last: 0 };
    this.#members.set(name, member);
    const spelling = { bytes: own, member };
    this.#spellings.set(raw, spelling);
    return spelling;
  }
}

/** Nothing where all values are null. */
function formOf(forms: number): { readonly form?: ValueForm } {
  if (forms === 0) return {};
  if (forms === (FORMS.whole | FORMS.number)) return { form: 'number' };
  if (forms === (FORMS.text | FORMS.instant)) return { form: 'text' };
  const names = Object.keys(FORMS) as ValueForm[];
  return { form: names.find((name) => FORMS[name] === forms) ?? 'other' };
}

/** Names are short: a call of the platform would take longer. */
function isSame(name: Buffer, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let at = 0; at < name.length; at++) if (name[at] !== bytes[from + at]) return false;
  return true;
}
