import * as z from 'zod/mini';
import type { CheckSpec } from '../model/project.ts';
import type { CheckComponent } from '../ports/rule.ts';
import { applySchema, type Complaint, type Context, complain, dispatch } from './components.ts';

/** Keys of an entry beside the component's name. */
const common = z.strictObject({
  name: z.optional(
    z.string().check(
      z.minLength(1),
      z.maxLength(100),
      z.refine((text) => !/[\u0000-\u001f\u007f]/.test(text), 'a name cannot contain control characters'),
      z.meta({ description: 'Name in quarantine, ledger and messages. Default: made of the check and its columns.' }),
    ),
  ),
  severity: z._default(z.enum(['fail', 'warn']), 'fail').check(
    z.meta({
      description:
        '`fail`: a row that breaks the rule goes to quarantine, a failed test stops the publication. `warn`: it is only counted.',
    }),
  ),
});

export { common as checkEntryCommon };

/**
 * The list under `rules:` or `tests:`. An entry is a map of one component to its parameters, such as
 * `{ between: { column: montant, above: 0 } }`, plus `name` and `severity`.
 */
export function checkList(checks: ReadonlyMap<string, CheckComponent>, role: 'rule' | 'test') {
  const entry = dispatch<CheckSpec>(role, `One ${role}.`, (value, context) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return complain(context, [], 'expected a map such as { not_null: [id] }');
    const { name, severity, ...rest } = value as Record<string, unknown>;
    const shared = applySchema(
      common,
      { ...(name === undefined ? {} : { name }), ...(severity === undefined ? {} : { severity }) },
      context,
      [],
    );
    const check = theCheck(Object.keys(rest), checks, role, (path, message, more) =>
      complain(context, path, message, more),
    );
    if (check === undefined) return undefined;
    const params = applySchema(check.schema, rest[check.name], context, [check.name]);
    if (shared === undefined || params === undefined) return undefined;
    const { severity: level, name: given } = shared.value as z.output<typeof common>;
    return {
      check: check.name,
      name: given ?? check.instanceName(params.value),
      severity: level,
      params: params.value,
      ...(given === undefined ? {} : { named: true }),
    };
  });
  const list = z.pipe(
    z.array(entry).check(z.maxLength(1000)),
    z.transform((entries: CheckSpec[], context) =>
      distinctNames(entries, (index, name) =>
        complain(context as Context, [index, 'name'], `the name ${name} occurs twice`),
      ),
    ),
  );
  return z._default(list as unknown as z.ZodMiniType<readonly CheckSpec[]>, []);
}

type Complain = (path: readonly PropertyKey[], message: string, more?: Complaint) => undefined;

function theCheck(
  keys: readonly string[],
  checks: ReadonlyMap<string, CheckComponent>,
  role: 'rule' | 'test',
  complainAt: Complain,
): CheckComponent | undefined {
  const usable = [...checks.values()]
    .filter((check) => (role === 'rule' ? check.row : check.table) !== undefined)
    .map((check) => check.name);
  const [first, second] = keys;
  if (first === undefined) return complainAt([], `names no check; one of ${usable.join(', ')}`);
  if (keys.every((key) => !checks.has(key)))
    return complainAt([first], `there is no check ${first}`, { word: first, candidates: usable, at_key: true });
  const stray = keys.find((key) => !checks.has(key));
  if (stray !== undefined)
    return complainAt([stray], 'unknown key', { word: stray, candidates: ['name', 'severity'], at_key: true });
  if (second !== undefined)
    return complainAt([second], 'one check an entry: start a new list entry with -', { at_key: true });
  if (!usable.includes(first))
    return complainAt([first], `${first} can only be used under ${role === 'rule' ? 'tests' : 'rules'}`, {
      at_key: true,
    });
  return checks.get(first);
}

interface Named extends CheckSpec {
  readonly named?: boolean;
}

/** Names given by the user must differ; derived ones are numbered when they do not. */
function distinctNames(
  entries: readonly Named[],
  complainAbout: (index: number, name: string) => void,
): readonly CheckSpec[] {
  const taken = new Set<string>();
  for (const [index, { name, named }] of entries.entries()) {
    if (named !== true) continue;
    if (taken.has(name)) complainAbout(index, name);
    taken.add(name);
  }
  return entries.map(({ named, ...entry }) => {
    if (named === true) return entry;
    let name = entry.name;
    for (let n = 2; taken.has(name); n++) name = `${entry.name}_${n}`;
    taken.add(name);
    return { ...entry, name };
  });
}
