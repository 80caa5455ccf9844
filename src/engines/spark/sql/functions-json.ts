import type { Call, Rules } from './call.ts';
import { raised } from './refusal.ts';
import { quoteText } from './words.ts';

// What DuckDB writes, and nothing else. Possessive, so that long texts need no stack.
const TEXT = '"[^"\\\\\\x00-\\x1F]*+(?:\\\\(?:["\\\\bfnrt]|u00[01][0-9A-F])[^"\\\\\\x00-\\x1F]*+)*+"';
const MEMBER = `${TEXT}:(?:null|${TEXT})`;
const OBJECT = `^[{](?:${MEMBER}(?:,${MEMBER})*+)?[}]\\z`;

/** Only objects of texts: others are written differently by the engines (numbers) or read differently (names that come twice). */
const NO_OBJECT = raised('JSON that is no object of texts as the engine writes them');

/** Text as JSON text: both engines escape quotes, backslashes and control characters alike, and nothing else. */
function jsonObject(call: Call): string {
  if (call.args.length === 0) return "'{}'";
  const members = call.args.map((_, index) =>
    index % 2 === 0 ? quoteText(call.text(index)) : `CAST(${call.of(index, 'text', 'null')} AS STRING)`,
  );
  return `TO_JSON(NAMED_STRUCT(${members.join(', ')}), MAP('ignoreNullFields', 'false'))`;
}

function toJson(call: Call): string {
  call.count(1);
  const { type, text } = call.arg(0);
  if (type.kind !== 'list' || type.element.kind !== 'plain' || type.element.name !== 'varchar')
    throw call.refused('of what is no list of texts', 'Use json_object() over texts.');
  return `TO_JSON(${text})`;
}

/** `json_merge_patch('{}', json)`: the object without its members that are null. */
function mergePatch(call: Call): string {
  call.count(2);
  if (call.text(0) !== '{}') throw call.refused("of what is not '{}'");
  const json = call.of(1, 'text');
  const members = `FILTER(REGEXP_EXTRACT_ALL(${json}, ${quoteText(MEMBER)}, 0), m -> NOT ENDSWITH(m, ':null'))`;
  return `CASE WHEN ${json} RLIKE ${quoteText(OBJECT)} THEN '{' || ARRAY_JOIN(${members}, ',') || '}' WHEN ${json} IS NOT NULL THEN ${NO_OBJECT} END`;
}

/** A member of an object, by its name. */
function extractString(call: Call): string {
  call.count(2);
  const json = call.of(0, 'text');
  const [, quoted, bare] = /^\$\.(?:"((?:[^"\\]|\\")*)"|([A-Za-z_]\w*))$/s.exec(call.text(1)) ?? [];
  const name = quoted?.replaceAll('\\"', '"') ?? bare;
  if (name === undefined) throw call.refused('with a path that is no name of a member');
  const found = `TRY_ELEMENT_AT(FROM_JSON(${json}, 'MAP<STRING, STRING>'), ${quoteText(name)})`;
  return `CASE WHEN ${json} RLIKE ${quoteText(OBJECT)} THEN ${found} WHEN ${json} IS NOT NULL THEN ${NO_OBJECT} END`;
}

export const JSON_FUNCTIONS: Rules = {
  json_object: jsonObject,
  to_json: toJson,
  json_merge_patch: mergePatch,
  json_extract_string: extractString,
};
