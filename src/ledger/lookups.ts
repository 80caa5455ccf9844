import type { LookupLedger, RememberedAnswer } from '../core/ports/lookup-ledger.ts';
import { integer, optional, optionalText, text } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

/** Answers of lookups. */
export function lookupLedger(connection: Connection): LookupLedger {
  return {
    // What is lost in a power failure is asked for again.
    record: (question, answers) =>
      connection.hastyTransaction(() => {
        for (const answer of answers) put(connection, question, answer);
      }),
    known: (question, keys) =>
      connection.guard(() => {
        const found = new Map<string, RememberedAnswer>();
        for (const key of keys) {
          const row = connection.get('select * from lookup_answers where question = ? and key = ?', question, key);
          if (row !== undefined) found.set(key, answerOf(row));
        }
        return found;
      }),
    anyAnswered: (question) => {
      const row = connection.get(
        'select key from lookup_answers where question = ? and answer is not null limit 1',
        question,
      );
      return row === undefined ? undefined : text(row, 'key');
    },
    collect: ({ before_ms, asked, dry_run }) => {
      const values = [before_ms, JSON.stringify(asked)];
      const count = (): number => {
        const row = connection.get(`select count(*) as n from lookup_answers as a where ${SPENT}`, ...values);
        return row === undefined ? 0 : integer(row, 'n');
      };
      if (dry_run) return connection.guard(count);
      return connection.transaction(() => {
        const spent = count();
        connection.run(`delete from lookup_answers as a where ${SPENT}`, ...values);
        return spent;
      });
    },
  };
}

/** Parameters: the instant before which answers are old, and the questions that are asked still as a JSON array. */
const SPENT = `a.asked_at_ms < ? and (a.question not in (select value from json_each(?))
  or a.key is not (select b.key from lookup_answers as b where b.question = a.question and b.answer is not null
    order by b.asked_at_ms desc, b.key limit 1))`;

function put(connection: Connection, question: string, { key, values, failed, asked_at_ms, run_id }: RememberedAnswer) {
  connection.run(
    `insert into lookup_answers (question, key, answer, failed, asked_at_ms, run_id) values (?, ?, ?, ?, ?, ?)
     on conflict (question, key) do update set answer = excluded.answer, failed = excluded.failed,
       asked_at_ms = excluded.asked_at_ms, run_id = excluded.run_id`,
    question,
    key,
    values === undefined ? null : JSON.stringify(values),
    failed ?? null,
    asked_at_ms,
    run_id,
  );
}

function answerOf(row: SqlRow): RememberedAnswer {
  const answer = optionalText(row, 'answer');
  return {
    key: text(row, 'key'),
    ...optional('values', answer === undefined ? undefined : (JSON.parse(answer) as Record<string, string | null>)),
    ...optional('failed', optionalText(row, 'failed')),
    asked_at_ms: integer(row, 'asked_at_ms'),
    run_id: text(row, 'run_id'),
  };
}
