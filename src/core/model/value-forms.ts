import type { ValueForm } from '../../kit/json-members.ts';

/** By member, how all its values are written that are not null. Members whose values are all null are left out. */
export type ValueForms = Readonly<Record<string, ValueForm>>;
