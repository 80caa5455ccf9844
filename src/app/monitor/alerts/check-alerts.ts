import { createHash } from 'node:crypto';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { AlertSpec } from '../../../core/model/monitor.ts';
import type { Project } from '../../../core/model/project.ts';
import type { AlertState } from '../../../core/ports/alert-ledger.ts';
import type { Ledger, Lock } from '../../../core/ports/ledger.ts';
import type { Rooms } from '../../rooms.ts';
import { type Condition, conditionsOf } from './conditions.ts';
import { type AlertMessage, deliver } from './deliver.ts';

/** One incident, as a look at the alerts found it. */
export interface AlertLine {
  readonly alert: string;
  readonly subject: string;
  /** `open`: told now; `known`: told before; `recovered`: over, told now. */
  readonly state: 'open' | 'known' | 'recovered';
  readonly text: string;
  /** Why it could not be told; it is tried again at the next look. */
  readonly failed: string | null;
}

/**
 * Looks at everything that `alerts:` is about and tells what is new: each incident once, and once that it is over. What cannot be handed over stays to be
 * told. Nothing is done while another process is at it.
 */
export async function checkAlerts(rooms: Rooms, project: Project, command: string): Promise<readonly AlertLine[]> {
  const ledger = await rooms.openLedger(project, { create: false }).catch((error: unknown) => {
    if (error instanceof DataflowError && error.code === 'E_LEDGER_MISSING') return undefined;
    throw error;
  });
  if (ledger === undefined) return [];
  let lock: Lock | undefined;
  try {
    lock = heldAlone(ledger, command);
    if (lock === undefined) return [];
    const lines: AlertLine[] = [];
    for (const spec of project.alerts ?? []) lines.push(...(await checkOne(rooms, project, ledger, spec)));
    forgetOthers(project, ledger);
    return lines;
  } finally {
    lock?.release();
    ledger.close();
  }
}

function heldAlone(ledger: Ledger, command: string): Lock | undefined {
  try {
    return ledger.lock('alerts', command);
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_LOCKED') return undefined;
    throw error;
  }
}

async function checkOne(
  rooms: Rooms,
  project: Project,
  ledger: Ledger,
  spec: AlertSpec,
): Promise<readonly AlertLine[]> {
  const alert = digestOf(spec);
  const known = new Map(ledger.alerts.states().flatMap((one) => (one.alert === alert ? [[one.subject, one]] : [])));
  const now_ms = Date.now();
  const at = new Date(now_ms).toISOString();
  const lines: AlertLine[] = [];
  for (const condition of conditionsOf(spec, project, ledger, (subject) => known.get(subject), now_ms)) {
    const { subject, text, value } = condition;
    const before = known.get(subject);
    const state = stateOf(condition, before?.open === true);
    const next: AlertState = { alert, subject, open: state === 'open', ...optionalValue(value), since: at };
    if (state === undefined) {
      if (value !== before?.value) remember(ledger, next);
      continue;
    }
    const untold = state === 'open' && spec.when === 'run_recovered';
    const quiet = state === 'known' || untold;
    const failed = quiet ? null : await told(rooms, project, spec, messageOf(project, spec, state, condition, at));
    if (failed === null && state !== 'known') remember(ledger, next);
    if (!untold) lines.push({ alert: spec.when, subject, state, text: rooms.redact(text), failed });
  }
  return lines;
}

/** Undefined: nothing is wrong, and nothing was. */
function stateOf({ wrong }: Condition, was_open: boolean): AlertLine['state'] | undefined {
  if (wrong) return was_open ? 'known' : 'open';
  return was_open ? 'recovered' : undefined;
}

function optionalValue(value: number | undefined): Pick<AlertState, 'value'> {
  return value === undefined ? {} : { value };
}

/** What is over is remembered only where the next look compares with it. */
function remember(ledger: Ledger, state: AlertState): void {
  if (state.open || state.value !== undefined) ledger.alerts.put(state);
  else ledger.alerts.forget(state.alert, state.subject);
}

/** Null when it was handed over, else why not. */
async function told(rooms: Rooms, project: Project, spec: AlertSpec, message: AlertMessage): Promise<string | null> {
  try {
    await deliver(spec, { ...message, text: rooms.redact(message.text) }, project.root);
    return null;
  } catch (error) {
    return rooms.redact(error instanceof Error ? error.message : String(error));
  }
}

function messageOf(
  project: Project,
  spec: AlertSpec,
  state: 'open' | 'known' | 'recovered',
  { subject, text, run_id, code, next }: Condition,
  at: string,
): AlertMessage {
  const over = state === 'recovered' ? `recovered: ${text}` : text;
  return {
    project: project.name,
    alert: spec.when,
    state: state === 'recovered' ? 'recovered' : 'open',
    subject,
    text: over,
    at,
    ...(run_id === undefined ? {} : { run_id }),
    ...(code === undefined ? {} : { code }),
    ...(next === undefined ? {} : { next }),
  };
}

/** An entry that changed is another one: what was told to others is told again. */
function digestOf(spec: AlertSpec): string {
  return createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 32);
}

function forgetOthers(project: Project, ledger: Ledger): void {
  const entries = new Set((project.alerts ?? []).map(digestOf));
  for (const { alert, subject } of ledger.alerts.states())
    if (!entries.has(alert)) ledger.alerts.forget(alert, subject);
}

/** Hands a message to every entry, to see whether it arrives. */
export async function testAlerts(rooms: Rooms, project: Project): Promise<readonly AlertTest[]> {
  const tests: AlertTest[] = [];
  const at = new Date().toISOString();
  for (const spec of project.alerts ?? []) {
    const text = `${project.name}: this is a test of the alert ${spec.when}`;
    const message: AlertMessage = { project: project.name, alert: spec.when, state: 'test', subject: 'test', text, at };
    tests.push({ alert: spec.when, to: destinationOf(spec), failed: await told(rooms, project, spec, message) });
  }
  return tests;
}

export interface AlertTest {
  readonly alert: string;
  readonly to: string;
  readonly failed: string | null;
}

/** The address may hold what signs in: its host is enough. */
function destinationOf({ post, command }: AlertSpec): string {
  return post === undefined ? (command?.[0] ?? '') : new URL(post).host;
}
