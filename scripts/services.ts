// Real servers for tests and for trying things by hand.
//   npm run services up [name…]      starts them, all if none is named; stdout has the settings for a shell: eval "$(npm run -s services up kafka)"
//   npm run services status          which run, and their settings
//   npm run services down [name…]    stops them and removes their data
//   npm run services install [name…] only puts them into the cache
//   npm run services compose         the settings of compose.yaml
// A server that cannot be had on this machine is named with the reason; the status is 1 if one that can be had does not start.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type RunningServer, startServer } from './services/room.ts';
import { type Server, Unavailable } from './services/server.ts';
import { isServerName, SERVERS, startAll } from './services/servers.ts';
import { type KeptServer, readKept, runs, stopKept, writeKept } from './services/state.ts';

const [verb = '', ...names] = process.argv.slice(2);
const unknown = names.filter((name) => !isServerName(name));
const verbs: Readonly<Record<string, () => Promise<void>>> = { up, down, status, install, compose };
const chosen = verbs[verb];
if (chosen === undefined || unknown.length > 0) {
  const wrong = unknown.length > 0 ? `unknown: ${unknown.join(', ')}. ` : '';
  console.error(`${wrong}Usage: npm run services up|down|status|install|compose [${Object.keys(SERVERS).join('|')}…]`);
  process.exitCode = 2;
} else await chosen();

async function up(): Promise<void> {
  const kept = new Map<string, KeptServer>();
  for (const one of readKept()) {
    if (runs(one)) kept.set(one.name, one);
    else await stopKept(one);
  }
  for (const { settings } of kept.values()) Object.assign(process.env, settings);
  const missing = wanted().filter((server) => !kept.has(server.name));
  await startAll(missing, async (server) => {
    try {
      const running = await startServer(server);
      kept.set(server.name, keep(running));
      Object.assign(process.env, running.settings);
      writeKept([...kept.values()]);
      console.error(`${server.name}: ${server.title}, started in ${seconds(running.started_in_ms)}`);
    } catch (error) {
      complain(server, error);
    }
  });
  writeKept([...kept.values()]);
  for (const server of wanted()) printSettings(kept.get(server.name));
}

async function down(): Promise<void> {
  const all = readKept();
  const leaving = all.filter((one) => names.length === 0 || names.includes(one.name));
  await Promise.all(leaving.map(stopKept));
  writeKept(all.filter((one) => !leaving.includes(one)));
  console.error(leaving.length === 0 ? 'nothing runs' : `stopped: ${leaving.map((one) => one.name).join(', ')}`);
}

async function status(): Promise<void> {
  for (const server of wanted()) {
    const kept = readKept().find((one) => one.name === server.name);
    const pids = kept?.processes.map((one) => one.pid).join(', ');
    const state = kept === undefined ? 'not started' : `${runs(kept) ? 'runs' : 'ended'} (process ${pids})`;
    console.error(`${server.name.padEnd(14)} ${state.padEnd(24)} ${server.title}`);
    if (kept !== undefined && runs(kept)) printSettings(kept);
  }
}

async function install(): Promise<void> {
  await Promise.all(
    wanted().map(async (server) => {
      try {
        await server.install();
        console.error(`${server.name}: ${server.title} is there`);
      } catch (error) {
        complain(server, error);
      }
    }),
  );
}

async function compose(): Promise<void> {
  const { 'x-settings': settings } = parse(readFileSync('compose.yaml', 'utf8'), { merge: true });
  printSettings({ settings });
}

function wanted(): readonly Server[] {
  return Object.values<Server>(SERVERS).filter((server) => names.length === 0 || names.includes(server.name));
}

function complain(server: Server, error: unknown): void {
  const cannot = error instanceof Unavailable;
  console.error(`${server.name}: ${cannot ? 'cannot be had' : 'FAILED'}: ${(error as Error).message}`);
  if (!cannot) process.exitCode = 1;
}

function keep(running: RunningServer): KeptServer {
  const { server, folder, settings, started_in_ms } = running;
  return { name: server.name, title: server.title, folder, settings, started_in_ms, processes: running.processes() };
}

function printSettings(kept: Pick<KeptServer, 'settings'> | undefined): void {
  for (const [variable, value] of Object.entries(kept?.settings ?? {})) console.log(`export ${variable}='${value}'`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
