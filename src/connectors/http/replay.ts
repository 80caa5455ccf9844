import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Landing, PullContext, PullResult, RawEntry } from '../../core/ports/pulled-source.ts';
import { type Item, itemOf } from './ask.ts';
import { keptBody } from './body.ts';
import { Changes } from './changes.ts';
import { answerOf } from './fetch-page.ts';
import { mayComeInParts, pageOf } from './large-page.ts';
import type { HttpOptions } from './options.ts';
import { Overlap } from './overlap.ts';
import { flatten } from './page.ts';
import { asksOf, type HttpPosition, type ItemState, readPosition, writePosition } from './position.ts';
import { Units } from './units.ts';

/**
 * Takes every kept response of a source that adds (`append`, `cursor`) once more, in the order in which they came, and asks nobody. The position
 * afterwards is the one that the API left behind, so the next pull goes on from there.
 */
export async function replayKept(options: HttpOptions, landing: Landing, context: PullContext): Promise<PullResult> {
  const units = new Units(landing);
  const entries = await landing.raw.entries();
  refuseGaps(entries, context);
  const groups = groupsOf(entries);
  let state: HttpPosition = { ...readPosition(context.position), asks: asksOf(options) };
  const from = state.replayed ?? 0;
  for (const [index, group] of groups.entries()) {
    if (index < from) continue;
    context.signal.throwIfAborted();
    const after = await takeGroup(group, state.items[group.item.key] ?? {}, {
      options,
      units,
      landing,
      context,
      sequence: index + 1,
    });
    const items = Object.keys(after).length === 0 ? state.items : { ...state.items, [group.item.key]: after };
    const last = groups[index + 1]?.pass !== group.pass;
    state = { ...state, items, polls: last ? group.polls + 1 : state.polls, replayed: index + 1 };
    if (units.due && index + 1 < groups.length) await units.seal(writePosition(state));
  }
  const { replayed: _, ...end } = state;
  await units.seal(writePosition(end));
  return { caught_up: true, position: writePosition(end) };
}

/** Taking only what was kept would take away rows that nobody gives back: each pass up to now must be there. */
function refuseGaps(entries: readonly RawEntry[], { name, committed }: PullContext): void {
  const kept = new Set(entries.map(({ head }) => Number(head['polls'])));
  const passes = Math.max(readPosition(committed).polls, 1 + Math.max(-1, ...kept));
  const missed = Array.from({ length: passes }, (_, poll) => poll).filter((poll) => !kept.has(poll)).length;
  if (missed === 0) return;
  throw new DataflowError('E_SOURCE_LOST', `${name}: the responses of ${missed} of ${passes} pulls were not kept`, {
    kept: 'the table stays as it is',
    hint: 'Remove keep_raw to ask the API for everything again.',
  });
}

/** The pages of one sequence. */
interface Group {
  readonly pass: string;
  /** Passes completed before it. */
  readonly polls: number;
  readonly item: Item;
  readonly until: string | undefined;
  readonly entries: RawEntry[];
}

/** Entries by sequence. A page that was kept twice, because a run was stopped before it was sealed, counts once. */
function groupsOf(entries: readonly RawEntry[]): readonly Group[] {
  const latest = new Map<string, RawEntry>();
  for (const entry of entries) {
    const { pass, item, since, page } = entry.head;
    const name = JSON.stringify([item, since === '{}' ? pass : since, page]);
    latest.delete(name);
    latest.set(name, entry);
  }
  const groups = new Map<string, Group>();
  for (const entry of latest.values()) {
    const { pass = '', item = '{}', since, until } = entry.head;
    const name = JSON.stringify([item, since === '{}' ? pass : since]);
    const group = groups.get(name) ?? {
      pass,
      polls: Number(entry.head['polls']),
      item: itemOf(JSON.parse(item)),
      until,
      entries: [],
    };
    groups.set(name, group);
    group.entries.push(entry);
  }
  return [...groups.values()];
}

interface Rooms {
  readonly options: HttpOptions;
  readonly units: Units;
  readonly landing: Landing;
  readonly context: PullContext;
  /** Number of the group, for people. */
  readonly sequence: number;
}

async function takeGroup(
  group: Group,
  before: ItemState,
  { options, units, landing, context: { temp_folder, signal }, sequence }: Rooms,
): Promise<ItemState> {
  const { cursor, key, pages } = options;
  const overlap = new Overlap(key === undefined ? [] : [key].flat(), []);
  const changes = cursor?.field === undefined ? undefined : new Changes(cursor, before, {});
  let head: RawEntry['head'] = {};
  for (const entry of group.entries) {
    head = entry.head;
    const body = await keptBody(landing.raw, entry, mayComeInParts(options) ? temp_folder : undefined);
    const page = await pageOf(options, group.item, answerOf(options, group.item, entry, body), signal);
    flatten(page);
    const dropped = new Set([...(pages === undefined ? [] : overlap.known(page)), ...(changes?.known(page) ?? [])]);
    const number = Number(head['page'] ?? 1);
    await units.add(
      `kept-${entry.sha256.slice(0, 12)}`,
      `kept sequence ${sequence} page ${number}`,
      page,
      [...dropped].sort((a, b) => a - b),
      entry.sha256,
    );
  }
  if (group.until !== undefined) return { ...before, since: group.until };
  if (changes !== undefined) {
    const { high, seen } = changes.state();
    return { ...before, ...(high === undefined ? {} : { since: high }), seen };
  }
  if (pages !== undefined) return before;
  const [etag, modified] = [head['etag'], head['last-modified']];
  return { ...(etag === undefined ? {} : { etag }), ...(modified === undefined ? {} : { modified }) };
}
