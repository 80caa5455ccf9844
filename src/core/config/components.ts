import * as z from 'zod/mini';
import type { $RefinementCtx, $ZodRawIssue, $ZodType, ParsePayload } from 'zod/v4/core';
import type { ConnectionComponent } from '../ports/connection.ts';
import type { LookupComponent } from '../ports/lookup.ts';
import type { CheckComponent } from '../ports/rule.ts';
import type { SourceComponent } from '../ports/source-component.ts';
import { runShape } from './messages.ts';

/** An engine as the configuration knows it: its name and its options. */
export interface EngineChoice {
  readonly type: string;
  readonly summary?: string;
  readonly schema: $ZodType;
}

/** Everything that can be named in a configuration, by name. */
export interface Components {
  readonly sources: ReadonlyMap<string, SourceComponent>;
  readonly checks: ReadonlyMap<string, CheckComponent>;
  readonly engines: ReadonlyMap<string, EngineChoice>;
  readonly connections: ReadonlyMap<string, ConnectionComponent>;
  readonly lookups: ReadonlyMap<string, LookupComponent>;
}

/** The types of connection that a source may name; undefined: it names none. */
export function connectionTypes(
  { connection_types }: Pick<SourceComponent, 'connection_types'>,
  { connections }: Components,
): readonly string[] | undefined {
  if (connection_types !== 'places') return connection_types;
  return [...connections.values()].filter(({ holds_files }) => holds_files === true).map(({ type }) => type);
}

/** Where a dispatching schema reports problems. */
export type Context = ParsePayload & Pick<$RefinementCtx, 'addIssue'>;

/**
 * A schema whose options depend on a name inside the value. `kind` tells the generator of the editor schema which family
 * of components belongs here; `parse` does the work and reports through the context.
 */
export function dispatch<T>(
  kind: DispatchKind,
  description: string,
  parse: (value: unknown, context: Context) => T | undefined,
): z.ZodMiniType<T> {
  const schema = z.pipe(
    z.unknown(),
    z.transform((value, context): T => parse(value, context as Context) ?? (z.NEVER as T)),
  );
  return schema.check(z.meta({ dispatch: kind, description })) as unknown as z.ZodMiniType<T>;
}

export type DispatchKind = 'source' | 'connection' | 'engine' | 'lookup' | 'rule' | 'test';

/** Applies a component's schema below `path`; its issues become the caller's. Undefined when there are any. */
export function applySchema(
  schema: $ZodType,
  value: unknown,
  context: Context,
  path: readonly PropertyKey[],
): { readonly value: unknown } | undefined {
  const result = runShape(schema, value);
  for (const issue of result.issues)
    context.issues.push({ ...issue, path: [...path, ...(issue.path ?? [])] } as $ZodRawIssue);
  return result.issues.length === 0 ? { value: result.value } : undefined;
}

export interface Complaint {
  /** The word that was not known, and those that are: for the "did you mean". */
  readonly word?: string;
  readonly candidates?: readonly string[];
  /** Show the problem at the key instead of the value. */
  readonly at_key?: boolean;
}

/** Reports one problem below `path`. */
export function complain(
  context: Context,
  path: readonly PropertyKey[],
  message: string,
  more: Complaint = {},
): undefined {
  context.issues.push({ code: 'custom', path: [...path], message, input: undefined, params: more } as $ZodRawIssue);
  return undefined;
}

/** The fields of an object schema, whichever flavour of zod made it; empty for anything else. */
export function shapeOf(schema: $ZodType): Readonly<Record<string, $ZodType>> {
  const def = schema._zod.def as {
    type: string;
    shape?: Record<string, $ZodType>;
    innerType?: $ZodType;
    in?: $ZodType;
  };
  if (def.shape !== undefined) return def.shape;
  if (def.innerType !== undefined) return shapeOf(def.innerType);
  return def.type === 'pipe' && def.in !== undefined ? shapeOf(def.in) : {};
}

/** True for a field that holds a secret (`.meta({ secret: true })`), through optional and default wrappers. */
export function isSecret(schema: $ZodType): boolean {
  if ((z.globalRegistry.get(schema) as { secret?: unknown } | undefined)?.secret === true) return true;
  const def = schema._zod.def as { innerType?: $ZodType; in?: $ZodType };
  const inner = def.innerType ?? def.in;
  return inner !== undefined && isSecret(inner);
}
