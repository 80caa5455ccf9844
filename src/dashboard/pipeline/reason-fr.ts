/** A part of a reason; `known`: it is French now. */
export interface ReasonPart {
  readonly text: string;
  readonly known: boolean;
}

const s = (count: string | undefined): string => (Number(count) > 1 ? 's' : '');
const and = (names: string | undefined): string => (names ?? '').replaceAll(' and ', ' et ').replaceAll(' or ', ' ou ');
const changes = (parts: string | undefined): string =>
  and(parts)
    .replaceAll(' added', ' (ajout)')
    .replaceAll(' removed', ' (suppression)')
    .replace(/(\d+) more/, '$1 autres');

type Rule = readonly [RegExp, (groups: readonly (string | undefined)[]) => string];

/** What the ledger writes of a step (core/planning/reasons.ts), whole parts first. A test holds every kind of reason against this list. */
const RULES: readonly Rule[] = [
  [/^asked for with --force$/, () => 'demandée avec --force'],
  [/^full refresh was asked for$/, () => 'recalcul complet demandé'],
  [/^never built$/, () => 'jamais construite'],
  [
    /^only a part of it was built under this definition$/,
    () => 'construite en partie seulement selon cette définition',
  ],
  [/^refused without --full-refresh: (.+)$/, ([words]) => `refusée sans --full-refresh : ${words}`],
  [/^its table is gone$/, () => 'sa table a disparu'],
  [
    /^its table went back from version (\d+) to (\d+)$/,
    ([from, to]) => `sa table est revenue de la version ${from} à la version ${to}`,
  ],
  [
    /^its definition changed(?:: (.+))?$/,
    ([parts]) => `sa définition a changé${parts === undefined ? '' : ` : ${changes(parts)}`}`,
  ],
  [/^reads (.+) for the first time$/, ([tables]) => `lit ${tables} pour la première fois`],
  [/^(.+) was lost and made anew$/, ([tables]) => `perte et reconstruction : ${and(tables)}`],
  [
    /^its SQL reads (.+), and it was computed on another day \((.+)\)$/,
    ([reads, day]) => `son SQL lit ${reads}, et elle a été calculée un autre jour (${day})`,
  ],
  [/^computed whole instead of refreshed: (.+)$/, ([why]) => `calculée en entier au lieu d’être rafraîchie : ${why}`],
  [/^waits for (.+): no data yet$/, ([tables]) => `attend ${tables} : pas encore de données`],
  [/^if (.+) publishes a new version$/, ([tables]) => `si une nouvelle version paraît : ${and(tables)}`],
  [/^skipped because (.+) failed \(--fail-fast\)$/, ([table]) => `ignorée, car ${table} a échoué (--fail-fast)`],
  [/^skipped because (.+) did not succeed$/, ([table]) => `ignorée, car ${table} n’a pas abouti`],
  [/^rows of its quarantine were decided on$/, () => 'des décisions ont été prises sur sa quarantaine'],
  [
    /^undone by (\S+), not done again: dataflow run --redo$/,
    ([run]) => `annulée par ${run}, pas refaite : dataflow run --redo`,
  ],
  [
    /^backfill of (.+) to (.+) \(window (\d+) of (\d+)\)$/,
    ([from, to, number, of]) => `reprise du ${from} au ${to} (fenêtre ${number} sur ${of})`,
  ],
  [
    /^its tests changed(?: \((.+) added\))?$/,
    ([names]) => `ses tests ont changé${names === undefined ? '' : ` (ajout : ${changes(names)})`}`,
  ],
  [/^up to date: same definition, same input(s| versions)$/, () => 'à jour : même définition, mêmes entrées'],
  [/^input changed: (.+)$/, ([moves]) => `données modifiées : ${moves}`],
  [/^up to date: (\d+) files? unchanged$/, ([n]) => `à jour : ${n} fichier${s(n)} inchangé${s(n)}`],
  [/^nothing to load yet$/, () => 'rien à charger pour l’instant'],
  [/^no input found$/, () => 'aucune donnée trouvée'],
  [/^no input found: (.+)$/, ([what]) => `aucune donnée trouvée : ${what}`],
  [
    /^refused without --allow-missing: (\d+) of (\d+) loaded files are gone$/,
    ([gone, of]) => `refusée sans --allow-missing : ${gone} fichiers chargés sur ${of} ont disparu`,
  ],
];

/** Counts of files, which stand beside each other. */
const COUNTS: readonly Rule[] = [
  [
    /^(\d+) new or changed files?$/,
    ([n]) => `${n} fichier${s(n)} nouveau${Number(n) > 1 ? 'x' : ''} ou modifié${s(n)}`,
  ],
  [/^(\d+) loaded files? (?:is|are) gone$/, ([n]) => `${n} fichier${s(n)} chargé${s(n)} disparu${s(n)}`],
  [/^(\d+) still being written$/, ([n]) => `${n} en cours d’écriture`],
  [/^(\d+) files? unchanged$/, ([n]) => `${n} fichier${s(n)} inchangé${s(n)}`],
  [
    /^(\d+)(?: files?)? undone, not loaded again: dataflow run --redo$/,
    ([n]) => `${n} annulé${s(n)}, pas rechargé${s(n)} : dataflow run --redo`,
  ],
  [
    /^(\d+) gone but not removed again: dataflow run --redo$/,
    ([n]) => `${n} disparu${s(n)}, pas retiré${s(n)} à nouveau : dataflow run --redo`,
  ],
  ...[/^up to date: (\d+) files? unchanged$/, /^nothing to load yet$/, /^no input found$/].flatMap((known) =>
    RULES.filter(([rule]) => rule.source === known.source),
  ),
];

/** Why a step ran, as far as it is known: reasons of sources, and words within reasons, stay as they were written. */
export function reasonInFrench(reason: string): readonly ReasonPart[] {
  return reason.split('; ').map((part) => {
    const text = byRule(RULES, part) ?? countsOf(part);
    return { text: text ?? part, known: text !== undefined };
  });
}

function byRule(rules: readonly Rule[], text: string): string | undefined {
  for (const [pattern, say] of rules) {
    const found = pattern.exec(text);
    if (found !== null) return say(found.slice(1));
  }
  return undefined;
}

/** `2 files unchanged, 1 undone, not loaded again: …` */
function countsOf(part: string): string | undefined {
  const said = part.split(/, (?=\d)/).map((one) => byRule(COUNTS, one));
  return said.every((one) => one !== undefined) ? said.join(', ') : undefined;
}
