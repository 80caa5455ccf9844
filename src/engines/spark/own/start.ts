import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import { type InstalledSpark, versionOf } from './installed.ts';
import { ownSettings } from './settings.ts';

/** A cluster that is busy may take long to give us a place. */
const START_MAX_MS = 180_000;
const LOOK_EVERY_MS = 100;
const REASON_CHARS_MAX = 300;

/**
 * Runs a command until its input ends, because we closed it or died however that happened; then ends it, and takes the folder away. What ends by itself leaves the folder, in
 * which the reason is. A process number is never signalled once its process has been collected.
 */
const GUARD = `
folder=$1; shift
exec 3<&0 </dev/null
"$@" >"$folder/server.log" 2>&1 3<&- &
child=$!
{
  cat <&3 >/dev/null
  : >"$folder/left"
  kill -TERM "$child"
  for second in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 "$child" || exit; done
  kill -KILL "$child"
} >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$child"; status=$?
kill "$watcher" 2>/dev/null
[ ! -e "$folder/left" ] || rm -rf -- "$folder"
exit "$status"
`;

/** A Connect server of our own. */
export interface OwnServer {
  readonly url: string;
  /** What was started, for people. */
  readonly words: string;
  stop(): Promise<void>;
}

/** What to start. */
export interface OwnServerRequest {
  readonly spark: InstalledSpark;
  /** As `spark-submit --master` takes it; undefined: what the installation says, else this machine alone. */
  readonly master: string | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts Spark's Connect server by `spark-submit`, on a port of this machine and with a token that only we know. It ends with us at the latest, also after a `kill -9`.
 * @throws DataflowError E_ENGINE_UNREACHABLE with the reason that is in its log
 */
export async function startOwnServer(request: OwnServerRequest): Promise<OwnServer> {
  const version = versionOf(request.spark);
  if (version !== undefined) refuseUnguarded(version);
  const first = await attempt(request);
  // Somebody else may take a port between the moment when it was found free and when the server listens.
  const last = 'taken' in first ? await attempt(request) : first;
  if (!('taken' in last)) return last;
  throw new DataflowError('E_ENGINE_UNREACHABLE', `Spark does not start (${request.spark.submit}): no port is free`);
}

/** A server of Spark 3 listens on all addresses and knows no token: whoever reaches the machine could run what they like under our name. @throws DataflowError */
export function refuseUnguarded(version: string): void {
  if (!version.startsWith('3.')) return;
  throw new DataflowError('E_CONFIG_INVALID', `Spark ${version} cannot be started for one user alone`, {
    hint: 'Install Spark 4, or start a Connect server behind a gateway that signs users in and name it by engine.url: sc://…',
  });
}

async function attempt(request: OwnServerRequest): Promise<OwnServer | { readonly taken: true }> {
  const { spark, master } = request;
  const port = await freePort();
  const token = randomBytes(24).toString('base64url');
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-spark-'));
  const child = launch(request, { folder, port, token });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const stop = async (): Promise<void> => {
    child.stdin?.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const end = Date.now() + START_MAX_MS;
    while (!(await isOpen(port))) {
      if (request.signal?.aborted === true) throw new DataflowError('E_ENGINE_INTERRUPTED', 'Spark was being started');
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > end) {
        const log = logOf(folder);
        await stop();
        if (/BindException|Address already in use/.test(log)) return { taken: true };
        throw notStarted(spark, master, log);
      }
      await sleep(LOOK_EVERY_MS);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const words = `started here by ${spark.submit}${master === undefined ? '' : ` --master ${master}`}`;
  return { url: `sc://127.0.0.1:${port}/;token=${token}`, words, stop };
}

function launch(
  { spark, master, settings, env }: OwnServerRequest,
  own: { readonly folder: string; readonly port: number; readonly token: string },
): ChildProcess {
  const { folder, port, token } = own;
  const properties = join(folder, 'spark.conf');
  writeFileSync(properties, ownSettings(spark, { settings, folder, port }), { mode: 0o600 });
  const command = [
    ...[spark.submit, '--class', 'org.apache.spark.sql.connect.service.SparkConnectServer', '--name', 'dataflow'],
    ...[...(master === undefined ? [] : ['--master', master]), '--properties-file', properties],
  ];
  // With it `spark-submit` would take itself for a client of another server.
  const { SPARK_REMOTE: _, ...inherited } = env;
  const child = spawn('/bin/sh', ['-c', GUARD, 'guard', folder, ...command], {
    cwd: folder, // where Spark leaves what it leaves
    env: { ...inherited, SPARK_CONNECT_AUTHENTICATE_TOKEN: token },
    detached: true, // a Ctrl-C is for us: we end it when the work there has been ended
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined); // told by its end
  child.stdin?.on('error', () => undefined);
  return child;
}

function logOf(folder: string): string {
  try {
    return readFileSync(join(folder, 'server.log'), 'utf8');
  } catch {
    return '';
  }
}

function notStarted({ submit }: InstalledSpark, master: string | undefined, log: string): DataflowError {
  const said = log.split('\n').filter((line) => line.trim() !== '' && !/^\s+at |WARN|INFO/.test(line));
  const reason = (
    said.find((line) => /Error|Exception|refused|not found/i.test(line)) ??
    said.at(-1) ??
    'it says nothing'
  )
    .replace(/^.*?Exception in thread "[^"]*" /, '')
    .slice(0, REASON_CHARS_MAX);
  const where = master === undefined ? submit : `${submit} --master ${master}`;
  const hint = /connect\.service/.test(log)
    ? 'This installation has no Spark Connect: add it by engine.settings, spark.jars.packages: org.apache.spark:spark-connect_2.13:<its version>.'
    : 'Try the same by hand: spark-submit with that master, and see engine.settings.';
  return new DataflowError('E_ENGINE_UNREACHABLE', `Spark does not start (${where}): ${reason}`, { hint });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
