import type { $ZodRawIssue, $ZodType } from 'zod/v4/core';
import type { DataflowError } from '../errors/dataflow-error.ts';
import { runShape, said } from './messages.ts';
import type { ProjectShape } from './schema.ts';
import { type ConfigTree, isContainer, markOf, type Path, problemAt, valueAt } from './tree.ts';

export interface ShapeCheck {
  /** What is right. Tables with problems are missing from it; undefined when nothing could be understood. */
  readonly shape: ProjectShape | undefined;
  readonly problems: readonly DataflowError[];
}

/** Checks a tree against the schema, all of it: every problem is reported, and what is right comes back for further checks. */
export function checkShape(tree: ConfigTree, schema: $ZodType): ShapeCheck {
  let result = runShape(schema, tree.root);
  if (result.issues.length > 0 && convertInterpolated(tree, result.issues)) result = runShape(schema, tree.root);
  if (result.issues.length === 0) return { shape: result.value as ProjectShape, problems: [] };
  const problems = distinct(withoutFollowUps(result.issues).flatMap((issue) => problemsOf(tree, issue)));
  const rest = runShape(schema, withoutBroken(tree.root, result.issues));
  return { shape: rest.issues.length === 0 ? (rest.value as ProjectShape) : undefined, problems };
}

function problemsOf(tree: ConfigTree, issue: $ZodRawIssue): readonly DataflowError[] {
  const base = issue.path ?? [];
  return said(issue).map(({ path, at_key, message, hint }) =>
    problemAt(tree, [...base, ...path], message, {
      at: at_key ? 'key' : 'value',
      ...(hint === undefined ? {} : { hint }),
    }),
  );
}

/** A list where text belongs is one problem, not also "too short": of a value of the wrong kind nothing else is said. */
function withoutFollowUps(issues: readonly $ZodRawIssue[]): readonly $ZodRawIssue[] {
  const key = (issue: $ZodRawIssue): string => JSON.stringify(issue.path?.map(String) ?? []);
  const wrongKind = new Set(issues.filter((issue) => issue.code === 'invalid_type').map(key));
  return issues.filter((issue) => issue.code === 'invalid_type' || !wrongKind.has(key(issue)));
}

function distinct(problems: readonly DataflowError[]): readonly DataflowError[] {
  const seen = new Map<string, DataflowError>();
  for (const problem of problems) seen.set(`${problem.message}\n${JSON.stringify(problem.place)}`, problem);
  return [...seen.values()];
}

/**
 * An environment variable is text; where a number or a boolean is wanted and the text is one, it becomes one. Only values that
 * held `${…}` are touched, and only where the schema refused them as text. Returns true when something changed.
 */
function convertInterpolated(tree: ConfigTree, issues: readonly $ZodRawIssue[]): boolean {
  let changed = false;
  for (const path of issues.flatMap(wrongKinds)) {
    const parent = valueAt(tree, path.slice(0, -1));
    const text = valueAt(tree, path);
    if (typeof text !== 'string' || !isContainer(parent) || markOf(tree, path)?.interpolated !== true) continue;
    const value = /^-?\d+(\.\d+)?$/.test(text)
      ? Number(text)
      : ({ true: true, false: false } as Record<string, boolean>)[text];
    if (value === undefined) continue;
    (parent as Record<string, unknown>)[String(path.at(-1))] = value;
    changed = true;
  }
  return changed;
}

function wrongKinds(issue: $ZodRawIssue): readonly Path[] {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value' || issue.code === 'invalid_union'
    ? [issue.path ?? []]
    : [];
}

/** Sections of which nothing is left when a part is wrong. */
const WHOLE: ReadonlySet<PropertyKey> = new Set(['lake', 'engine', 'dashboard']);

/** A copy without the tables and sections that have problems, so that the others can still be checked further. */
function withoutBroken(root: Record<string, unknown>, issues: readonly $ZodRawIssue[]): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...root };
  for (const issue of issues) {
    const [section, name] = issue.path ?? [];
    if (section === undefined) continue;
    const map = copy[String(section)];
    if (name !== undefined && isContainer(map) && !Array.isArray(map)) {
      copy[String(section)] = Object.fromEntries(Object.entries(map).filter(([key]) => key !== String(name)));
    }
    if (name === undefined || WHOLE.has(section)) delete copy[String(section)];
  }
  return copy;
}
