import type { HeldTable } from '../../core/model/load.ts';
import type { PutCounts, RefusedOutRow, SinkLoad, SinkTable, TableChange } from '../../core/ports/sink.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { BulkWriter } from './bulk-writer.ts';
import { type MakeOptions, outDocuments } from './out-documents.ts';
import {
  broughtBy,
  columnNames,
  countIfThere,
  evolve,
  foreignIndexes,
  idsOfStep,
  indexesOf,
  uuidOf,
} from './sink-collections.ts';
import {
  besideName,
  commitAll,
  dropBeside,
  type LoadParts,
  type Pending,
  refuseOtherLoad,
  refuseOthers,
} from './sink-commit.ts';
import { sinkError } from './sink-errors.ts';
import { BATCH_BYTES, BATCH_DOCUMENTS, StepRows } from './step-rows.ts';
import { type SyncDocument, settled, type UnderWay, underWay, writeSync } from './sync-metadata.ts';

/** What goes into one transaction: the server gives it a minute, and keeps it in memory. */
const TRANSACTION_WRITES = 10_000;
const TRANSACTION_BYTES = 8 * 1024 * 1024;

/**
 * A write of a release. New collections are built beside the old ones and take their places at the commit; small steps of all tables
 * and what is said of them are one transaction there. A step that is too large for one is done where the collection is, and said to be under way until it is done.
 */
export class MongodbLoad implements SinkLoad {
  readonly #parts: LoadParts;
  readonly #pending = new Map<string, Pending>();
  #writes_left = TRANSACTION_WRITES;
  #bytes_left = TRANSACTION_BYTES;

  constructor(parts: LoadParts) {
    this.#parts = parts;
  }

  async put(change: TableChange): Promise<PutCounts> {
    return await this.#translated(async () => {
      const { name } = change.table;
      const found = await refuseOtherLoad(this.#parts, name, this.#parts.seen.get(name)?.stamp);
      const meta = found?.under_way == null ? found : settled(found, await uuidOf(this.#parts.database, name));
      // What a load left that was cut off.
      const left = meta?.under_way?.beside ?? null;
      if (left !== null) await this.#parts.database.dropCollection(left);
      return change.whole ? await this.#putWhole(change, meta) : await this.#putStep(change, meta);
    });
  }

  async record(held: HeldTable): Promise<void> {
    const known = this.#pending.get(held.name);
    if (known !== undefined) known.held = held;
    else
      await this.#translated(async () => {
        const meta = await refuseOtherLoad(this.#parts, held.name, this.#parts.seen.get(held.name)?.stamp);
        const table: SinkTable = {
          table: held.table,
          name: held.name,
          mode: held.mode,
          key: [],
          columns: [],
          indexes: [],
        };
        this.#pending.set(held.name, { table, meta, refused: meta?.refused ?? 0, held });
      });
  }

  async commit(): Promise<void> {
    await this.#translated(() => commitAll(this.#parts, [...this.#pending.values()]));
  }

  async rollback(): Promise<void> {
    for (const pending of this.#pending.values()) await dropBeside(this.#parts, pending).catch(() => undefined);
  }

  /** All rows into a collection beside, which nobody reads until it has them. */
  async #putWhole(change: TableChange, before: SyncDocument | undefined): Promise<PutCounts> {
    const { database } = this.#parts;
    const { table } = change;
    const name = besideName(timeSortedId(), table.name);
    // Named before it is made: whoever is killed in between leaves nothing that nobody knows of.
    const named = await this.#mark(table, before, 'building', change, { beside: name, beside_uuid: null });
    const collection = await database.createCollection(name);
    faultPoint('mongodb-created');
    const uuid = await uuidOf(database, name);
    const meta = await this.#mark(table, named, 'building', change, { beside: name, beside_uuid: uuid });
    const pending: Pending = { table, meta, beside: { name, uuid }, refused: 0 };
    this.#pending.set(table.name, pending);
    const writer = this.#writer(change, pending);
    let rows_in = 0;
    for await (const { documents } of outDocuments(change.rows, this.#make(change, pending))) {
      rows_in += documents.length;
      await writer.insert(name, documents);
      faultPoint('mongodb-batch');
    }
    await writer.drain();
    const indexes = [...(await foreignIndexes(database, table)), ...indexesOf(table)];
    if (indexes.length > 0) await collection.createIndexes(indexes);
    const rows_after = await collection.countDocuments({}, { hint: '_id_' });
    const deleted = await countIfThere(database, table.name);
    const { refused } = pending;
    return {
      rows_in: rows_in + refused,
      gone_in: 0,
      inserted: rows_after,
      updated: 0,
      deleted,
      skipped: 0,
      refused,
      rows_after,
    };
  }

  async #putStep(change: TableChange, before: SyncDocument | undefined): Promise<PutCounts> {
    const { table } = change;
    const pending: Pending = { table, meta: before, refused: 0 };
    const step = new StepRows(change, this.#make(change, pending));
    const evolved = before === undefined || String(before.columns) !== String(columnNames(table));
    const small =
      this.#parts.replicated &&
      table.mode !== 'append' &&
      !evolved &&
      before.under_way?.beside !== null &&
      (await step.read(this.#writes_left, this.#bytes_left));
    if (!small) return await this.#putInPlace(change, pending, step);
    const { gone, documents } = step;
    this.#writes_left -= gone.length + documents.length;
    this.#bytes_left -= step.size_bytes;
    const collection = this.#parts.database.collection(table.name);
    const there = async (ids: readonly unknown[]): Promise<number> =>
      ids.length === 0
        ? 0
        : (await collection.find({ _id: { $in: ids as never[] } }, { projection: { _id: 1 } }).toArray()).length;
    const [rows_before, updated, deleted] = [
      await collection.countDocuments({}, { hint: '_id_' }),
      await there(documents.map((one) => one['_id'] as unknown)),
      await there(gone),
    ];
    const inserted = documents.length - updated;
    this.#pending.set(table.name, { ...pending, writes: { gone, documents, inserted, deleted } });
    const rows_after = rows_before + inserted - deleted;
    const { refused } = pending;
    return {
      rows_in: documents.length + refused,
      gone_in: gone.length,
      inserted,
      updated,
      deleted,
      skipped: 0,
      refused,
      rows_after,
    };
  }

  /** The collection says that it is under way, and is changed where it is: each write again leads to the same documents. */
  async #putInPlace(change: TableChange, pending: Pending, step: StepRows): Promise<PutCounts> {
    const { table } = change;
    const { database } = this.#parts;
    await refuseOthers(this.#parts, table.name);
    const cut_off = pending.meta?.under_way?.beside === null;
    pending.meta = await this.#mark(table, pending.meta, 'loading', change, { beside: null, beside_uuid: null });
    pending.in_place = true;
    this.#pending.set(table.name, pending);
    const collection = database.collection(table.name);
    const writer = this.#writer(change, pending);
    const append = table.mode === 'append';
    if (append && table.key.length === 0)
      await collection.deleteMany(idsOfStep(pending.meta.held?.run_id, this.#parts.bson));
    const indexes = indexesOf(table);
    if (append && indexes.length > 0) await collection.createIndexes([...indexes]);
    // Rows that are appended count from what was held: those of an attempt that was cut off are there already.
    const rows_before =
      append && cut_off ? (pending.meta.held?.rows ?? 0) : await collection.countDocuments({}, { hint: '_id_' });
    await evolve(collection, pending.meta.columns, columnNames(table));
    let [rows_in, gone_in] = [0, 0];
    for await (const ids of step.goneBatches()) {
      gone_in += ids.length;
      await writer.remove(table.name, ids);
    }
    for await (const documents of step.documentBatches()) {
      rows_in += documents.length;
      if (append) await writer.insert(table.name, documents, 'skip');
      else await writer.upsert(table.name, documents);
      faultPoint('mongodb-batch');
    }
    await writer.drain();
    const rows_after = await collection.countDocuments({}, { hint: '_id_' });
    const { deleted, skipped } = writer;
    const inserted = rows_after - rows_before + deleted;
    const updated = append ? 0 : Math.max(0, rows_in - inserted);
    const { refused } = pending;
    return { rows_in: rows_in + refused, gone_in, inserted, updated, deleted, skipped, refused, rows_after };
  }

  async #mark(
    table: SinkTable,
    before: SyncDocument | undefined,
    status: 'building' | 'loading',
    { to }: TableChange,
    beside: Pick<UnderWay, 'beside' | 'beside_uuid'>,
  ): Promise<SyncDocument> {
    const facts = { collection_name: table.name, source_table: table.table, load: this.#parts.id };
    const next = underWay(before, facts, status, { ...to, ...beside });
    return await writeSync(this.#parts.database, before, next);
  }

  #writer({ refuse }: TableChange, pending: Pending): BulkWriter {
    const { database, signal, note, bson } = this.#parts;
    return new BulkWriter(database, {
      signal,
      note,
      refuse: (document, { code, errmsg }) => {
        pending.refused += 1;
        refuse({ reason: `${errmsg} (${code})`, row: bson.EJSON.stringify(document) });
      },
    });
  }

  #make(change: TableChange, pending: Pending): MakeOptions {
    const { table, refuse } = change;
    return {
      ...{ table, brought_by: broughtBy(change, pending.meta?.held?.run_id), bson: this.#parts.bson },
      ...{ documents_max: BATCH_DOCUMENTS, bytes_max: BATCH_BYTES },
      refuse: (row: RefusedOutRow) => {
        pending.refused += 1;
        refuse(row);
      },
    };
  }

  async #translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw sinkError(error, this.#parts.place, this.#parts.signal);
    }
  }
}
