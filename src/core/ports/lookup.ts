import type { $ZodType } from 'zod/v4/core';
import type { Connection } from './connection.ts';
import type { Probe } from './pulled-source.ts';

/** What a lookup is told by the step that uses it. */
export interface LookupContext {
  readonly signal: AbortSignal;
  /** A remark for the person at the terminal: a wait, a repeated attempt. */
  note(text: string): void;
}

/**
 * What came of one question. `answer`: the texts at the wanted places, exactly as they were answered (NULL for a null). `refused`: the system
 * answered, and has nothing for this key. `unreachable`: there was no answer after all attempts; whether the key or the system is to
 * blame cannot be told from one question.
 */
export type LookupReply =
  | { readonly kind: 'answer'; readonly values: readonly (string | null)[] }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string; readonly error: Error };

/** A system that can be asked for the values that belong to a key. */
export interface Lookup {
  /**
   * Asks one question, repeating what is worth repeating.
   * @param key column → its value as text.
   * @param wanted places in the answer.
   * @throws DataflowError when no question can be answered (credentials refused, address forbidden, told to wait for too long), E_INTERRUPTED.
   */
  ask(key: Readonly<Record<string, string>>, wanted: readonly string[], context: LookupContext): Promise<LookupReply>;
  /**
   * For systems that answer many questions at once: replies in the order of the keys, at most `keys_max` of them. Absent: one by one.
   * @throws DataflowError when none can be answered.
   */
  readonly many?: {
    readonly keys_max: number;
    ask(
      keys: readonly Readonly<Record<string, string>>[],
      wanted: readonly string[],
      context: LookupContext,
    ): Promise<readonly LookupReply[]>;
  };
  /**
   * Finds out, for `doctor`, whether the system answers, by nothing that could change it.
   * @param known a key that was answered once.
   */
  probe(
    known: Readonly<Record<string, string>> | undefined,
    wanted: readonly string[],
    context: LookupContext,
  ): Promise<Probe>;
  close(): Promise<void>;
}

/** What a lookup is given from other rooms. */
export interface LookupParts {
  /** Relative paths start here. */
  readonly root: string;
  /** What the lookup's `connection:` names. */
  readonly connection?: Connection;
}

/** A kind of lookup: a file `connectors/<system>/lookup.ts` exports one as `component`. */
export interface LookupComponent<O = unknown> {
  readonly type: string;
  readonly summary: string;
  readonly schema: $ZodType<O>;
  /** The types of connection that its option `connection` may name; absent: it names none. */
  readonly connection_types?: readonly string[];
  /** Columns whose values its options name as `{column}`, in order. */
  columnsOf(options: O): readonly string[];
  /** What of the options decides the answers; neither credentials nor secrets. */
  questionOf(options: O): string;
  /** What is wrong with a place in an answer; undefined when nothing is. */
  placeProblem(place: string): string | undefined;
  /** Reaches nothing before the first question. */
  open(options: O, parts: LookupParts): Promise<Lookup> | Lookup;
}
