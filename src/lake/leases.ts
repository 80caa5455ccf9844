import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Lease, LeaseRecord, Leases } from '../core/ports/leases.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { timeSortedId } from '../kit/ids.ts';
import { livenessOf, type ProcessIdentity, thisProcess } from '../kit/process-identity.ts';
import type { LakeOptions } from './open-lake.ts';
import { storageOf } from './open-lake.ts';

/** One small file a lease; not made durable, since no lease outlives a loss of power. */
const FOLDER = '_dataflow/leases';
const NAME = /^([0-9a-z]{20})\.json$/;
/** How long a lease counts whose holder cannot be looked at. */
const TERM_MS = 3_600_000;

type Stored = Omit<LeaseRecord, 'pid' | 'host'> & { readonly holder: ProcessIdentity };

export function openLeases(options: Pick<LakeOptions, 'url' | 'storage'>): Leases {
  const storage = storageOf(options);
  return { open: (purpose) => openLease(storage, purpose), live: (asked) => liveLeases(storage, asked?.sweep) };
}

async function openLease(storage: LakeStorage, purpose: string): Promise<Lease> {
  const lease_id = timeSortedId();
  const opened_at_ms = Date.now();
  const path = `${FOLDER}/${lease_id}.json`;
  const write = async (pins?: LeaseRecord['pins']): Promise<void> => {
    const expires_at_ms = Date.now() + TERM_MS;
    const stored: Stored = {
      lease_id,
      purpose,
      opened_at_ms,
      expires_at_ms,
      holder: thisProcess(),
      ...(pins === undefined ? {} : { pins }),
    };
    const content = Buffer.from(JSON.stringify(stored));
    await (pins === undefined ? storage.jot(path, content) : storage.replace(path, content));
  };
  try {
    await storage.makeFolder(FOLDER, { private: true });
    await write();
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
    return { lease_id, pin: async () => {}, release: async () => {} };
  }
  return { lease_id, pin: write, release: () => storage.remove(path).catch(() => undefined) };
}

async function liveLeases(storage: LakeStorage, sweep = false): Promise<readonly LeaseRecord[]> {
  const live: LeaseRecord[] = [];
  for (const name of await storage.list(FOLDER)) {
    const lease_id = NAME.exec(name)?.[1];
    if (lease_id === undefined) continue;
    const found = await readLease(storage, `${FOLDER}/${name}`, lease_id);
    if (found !== undefined && counts(found)) {
      const { holder, ...lease } = found;
      live.push({ ...lease, pid: holder.pid, host: holder.host });
    } else if (sweep) await storage.remove(`${FOLDER}/${name}`);
  }
  return live;
}

function counts({ holder, expires_at_ms }: Stored): boolean {
  const liveness = livenessOf(holder);
  return liveness === 'alive' || (liveness === 'unknown' && expires_at_ms > Date.now());
}

/** One that is being written at this moment reads as a reader of whom nothing is known. */
async function readLease(storage: LakeStorage, path: string, lease_id: string): Promise<Stored | undefined> {
  const bytes = await storage.read(path);
  if (bytes === undefined) return undefined;
  try {
    const stored = JSON.parse(Buffer.from(bytes).toString('utf8')) as Stored;
    if (typeof stored.holder?.pid === 'number' && typeof stored.expires_at_ms === 'number') return stored;
  } catch {
    // judged by the time of the file
  }
  const opened_at_ms = (await storage.info(path))?.modified_ms ?? 0;
  const holder = { pid: 0, host: '?', boot_id: null, process_start: null, pid_namespace: null };
  return { lease_id, purpose: 'unknown', opened_at_ms, expires_at_ms: opened_at_ms + TERM_MS, holder };
}
