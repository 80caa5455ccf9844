import { UnitFault } from '../stream/unit-fault.ts';

const NAME_CHARS_MAX = 4096;

/**
 * A name that says where the member belongs below the archive, and nowhere else. Nothing is ever written under it, but it becomes part of the
 * unit's path in the ledger, and an archive that tries such a thing is not one to take rows from.
 * @throws UnitFault `unsafe_name`
 */
export function safeName(name: string): string {
  const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 199)}…` : name);
  const unsafe = (why: string): UnitFault => new UnitFault('unsafe_name', `it has a member ${shown}, ${why}`);
  const plain = name.replace(/^(?:\.\/)+/, '');
  if (plain === '' || plain.length > NAME_CHARS_MAX) throw unsafe('which is no name');
  if (plain.includes('\0')) throw unsafe('which holds a NUL');
  if (plain.includes('\\')) throw unsafe('which holds a backslash');
  if (plain.startsWith('/') || /^[A-Za-z]:/.test(plain)) throw unsafe('which is an absolute path');
  if (plain.split('/').includes('..')) throw unsafe('which leads out of the archive');
  return plain;
}
