import type { CsvDialect } from '../ports/engine.ts';
import type { InputRecord, UndoOutcome } from '../ports/ledger.ts';
import { asArray, asBoolean, asInteger, asIntegers, asObject, asText, field, type JsonObject } from './note-fields.ts';

/** How the note of a step writes and reads one unit of input and a dialect. */
export interface NoteParts {
  readonly input: (value: unknown, at: string) => InputRecord;
  readonly dialect: (value: unknown, at: string) => CsvDialect;
}

/** Reads the `undo` member of a note: what {@link UndoOutcome} says, in its own words. */
export function undoFrom(value: unknown, at: string, parts: NoteParts): UndoOutcome {
  const o = asObject(value, at);
  const hold = asObject(o['hold'], `${at}.hold`);
  return {
    since_run: asText(o['since_run'], `${at}.since_run`),
    restored_version: asInteger(o['restored_version'], `${at}.restored_version`),
    inputs_undone: asArray(o['inputs_undone'], `${at}.inputs_undone`, undoneFrom),
    inputs_back: asArray(o['inputs_back'], `${at}.inputs_back`, parts.input),
    ...(o['dialect'] === null ? { dialect: null } : field(o, 'dialect', 'dialect', parts.dialect, at)),
    ...field(o, 'decisions', 'decisions', decisionsFrom, at),
    hold: {
      ...field(hold, 'code_fingerprint', 'code_fingerprint', asText, `${at}.hold`),
      inputs: asIntegers(hold['inputs'], `${at}.hold.inputs`),
      emptied: asBoolean(hold['emptied'], `${at}.hold.emptied`),
    },
  };
}

/** The same as plain JSON. */
export function undoNote(undo: UndoOutcome, shorten: (input: InputRecord) => JsonObject): JsonObject {
  return { ...undo, inputs_back: undo.inputs_back.map(shorten) };
}

function decisionsFrom(value: unknown, at: string): NonNullable<UndoOutcome['decisions']> {
  const o = asObject(value, at);
  return {
    in_force: asArray(o['in_force'], `${at}.in_force`, asInteger),
    up_to: asInteger(o['up_to'], `${at}.up_to`),
  };
}

function undoneFrom(value: unknown, at: string): UndoOutcome['inputs_undone'][number] {
  const o = asObject(value, at);
  return {
    path: asText(o['path'], `${at}.path`),
    size_bytes: asInteger(o['size_bytes'], `${at}.size_bytes`),
    mtime_ns: asText(o['mtime_ns'], `${at}.mtime_ns`),
    inode: asText(o['inode'], `${at}.inode`),
    sha256: asText(o['sha256'], `${at}.sha256`),
    run_id: asText(o['run_id'], `${at}.run_id`),
  };
}
