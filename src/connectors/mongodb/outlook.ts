import type { Document } from 'mongodb';
import { cursorOutlook } from '../../core/planning/cursor-outlook.ts';
import type { Outlook, Position } from '../../core/ports/pulled-source.ts';
import { rowHash, TAKEN_ROWS_MAX, TakenRows } from '../../kit/taken-rows.ts';
import type { MongodbOptions } from './options.ts';
import { changesPosition, isStray } from './rounds.ts';
import type { Reach } from './session.ts';

/** What looks may take: they are there for a glance. */
export const GLANCE_MS = 10_000;

/**
 * What a pull by cursor would take: documents beyond the cursor are counted; those that are read again are held against those that were taken, for
 * a late or an updated one lies among them.
 */
export async function changesOutlook(
  { collection, signal }: Reach,
  options: MongodbOptions & { readonly cursor: NonNullable<MongodbOptions['cursor']> },
  position: Position | undefined,
): Promise<Outlook> {
  const last = changesPosition(position);
  if (last.round !== null) return { pending: 'some', words: `${options.collection}, the rest of what was begun` };
  if (last.upto === null) return { pending: 'unknown', words: `${options.collection}, from its beginning` };
  const { BSON } = await import('mongodb');
  const { field } = options.cursor;
  const parse = (text: string): unknown => BSON.EJSON.parse(text, { relaxed: false });
  const filter = BSON.EJSON.deserialize(options.filter ?? {}) as Document;
  const upto = parse(last.upto);
  const now = upto instanceof Date ? { $lte: new Date() } : {};
  const beyond = { [field]: { $type: last.kind, $gt: upto, ...now } };
  const taken = TakenRows.from(last.taken);
  const newOf = async (condition: Document): Promise<number> => {
    const { projection } = options;
    const found = collection.find<Document>(
      { $and: [filter, condition] },
      {
        ...(projection === undefined ? {} : { projection }),
        limit: taken.size + TAKEN_ROWS_MAX,
        batchSize: options.batch_documents,
        maxTimeMS: GLANCE_MS,
        raw: true,
      },
    );
    let count = 0;
    for await (const raw of found) {
      signal.throwIfAborted();
      if (!taken.has(rowHash(raw as unknown as Buffer))) count += 1;
    }
    signal.throwIfAborted();
    return count;
  };
  const count = await collection.countDocuments({ $and: [filter, beyond] }, { maxTimeMS: GLANCE_MS });
  const strays = await newOf({ $and: [isStray(field, last, BSON), { $nor: [beyond] }] });
  const again =
    last.low === null ? 0 : await newOf({ [field]: { $type: last.kind, $gte: parse(last.low), $lte: upto } });
  return cursorOutlook({
    // What was in the future when it was taken is beyond the cursor by now.
    beyond: last.strays && count > 0 && count <= TAKEN_ROWS_MAX ? await newOf(beyond) : count,
    again: strays + again,
    after: upto instanceof Date ? upto.toISOString() : String(upto),
    name: 'document',
  });
}
