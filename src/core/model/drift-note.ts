import { DRIFT_ACTIONS, DRIFTS, type DriftEvent } from './drift.ts';
import { asArray, asInteger, asObject, asText, asWord, field } from './note-fields.ts';

/** A drift event as a commit note holds it. */
export function driftFrom(value: unknown, at: string): DriftEvent {
  const o = asObject(value, at);
  return {
    source: asText(o['source'], `${at}.source`),
    what: asWord(DRIFTS)(o['what'], `${at}.what`),
    ...field(o, 'column', 'column', asText, at),
    ...field(o, 'from', 'from', asText, at),
    ...field(o, 'to', 'to', asText, at),
    action: asWord(DRIFT_ACTIONS)(o['action'], `${at}.action`),
    file: asText(o['file'], `${at}.file`),
    files: asInteger(o['files'], `${at}.files`),
    rows: asInteger(o['rows'], `${at}.rows`),
    affected: asArray(o['affected'], `${at}.affected`, asText),
    named_in: asArray(o['named_in'], `${at}.named_in`, asText),
  };
}
