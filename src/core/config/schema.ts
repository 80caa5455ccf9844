import * as z from 'zod/mini';
import type { DashboardSpec } from '../model/dashboard.ts';
import type { LoadSpec } from '../model/load.ts';
import type { MirrorSpec } from '../model/mirror.ts';
import type { AlertSpec, MetricsSpec, OpenLineageSpec } from '../model/monitor.ts';
import type { ConnectionSpec, EngineSpec, LakeSpec, SilverSpec, SourceSpec } from '../model/project.ts';
import type { BudgetSpec, PriceSpec } from '../model/receipt.ts';
import type { ServeSpec } from '../model/serve.ts';
import type { StreamSpec } from '../model/stream.ts';
import type { Components } from './components.ts';
import { connectionName, tableName, uniqueByCase } from './fields.ts';
import { alertsSchema } from './schema-alerts.ts';
import { connectionSchema, engineSchema, sourceSchema } from './schema-components.ts';
import { budgetSchema, priceSchema } from './schema-cost.ts';
import { dashboardSchema } from './schema-dashboard.ts';
import { lakeSchema } from './schema-lake.ts';
import { loadsSchema } from './schema-loads.ts';
import { mirrorsSchema } from './schema-mirrors.ts';
import { metricsSchema } from './schema-monitor.ts';
import { openLineageSchema } from './schema-openlineage.ts';
import { serveSchema } from './schema-serve.ts';
import { streamsSchema } from './schema-streams.ts';
import { type GoldShape, goldSchema, silverSchema } from './schema-tables.ts';

/** A whole configuration after defaults; the loader adds the paths to make it a `Project`. */
export interface ProjectShape {
  readonly version: 1;
  readonly name?: string | undefined;
  readonly include: readonly string[];
  readonly lake: LakeSpec;
  readonly engine: EngineSpec;
  readonly price?: PriceSpec | undefined;
  readonly budget?: BudgetSpec | undefined;
  readonly connections: Record<string, ConnectionSpec>;
  readonly sources: Record<string, SourceSpec>;
  readonly silver: Record<string, SilverSpec>;
  readonly gold: Record<string, GoldShape>;
  readonly streams: Record<string, StreamSpec>;
  readonly loads: Record<string, LoadSpec>;
  readonly mirrors: Record<string, MirrorSpec>;
  readonly serve?: ServeSpec | undefined;
  readonly dashboard?: DashboardSpec | undefined;
  readonly alerts: readonly AlertSpec[];
  readonly metrics?: MetricsSpec | undefined;
  readonly openlineage?: OpenLineageSpec | undefined;
}

/** The schema of `pipelines.yaml` for the given components: it validates, converts, and describes itself to the generator. */
export function projectSchema(components: Components): z.ZodMiniType<ProjectShape> {
  const tables = <T>(schema: z.ZodMiniType<T>, text: string) =>
    z._default(uniqueByCase(z.record(tableName, schema), 'table'), {}).check(z.meta({ description: text }));
  const schema = z.strictObject({
    version: z
      ._default(z.literal(1), 1)
      .check(z.meta({ description: 'Version of the configuration format.', samples: [1] })),
    name: z.optional(
      z
        .string()
        .check(
          z.minLength(1),
          z.maxLength(100),
          z.meta({ description: 'Name of the project. Default: the name of its folder.', samples: ['factures'] }),
        ),
    ),
    include: z._default(z.array(z.string().check(z.minLength(1))), []).check(
      z.meta({
        description:
          'More files with the same top-level keys; globs, relative to this file. A table defined twice is an error.',
        samples: [['pipelines/*.yaml']],
      }),
    ),
    lake: lakeSchema(),
    engine: engineSchema(components),
    price: priceSchema(),
    budget: budgetSchema(),
    connections: z
      ._default(uniqueByCase(z.record(connectionName, connectionSchema(components)), 'connection'), {})
      .check(
        z.meta({
          description:
            'Systems that sources, loads and mirrors reach, by a name of your choice. Secrets are written as `${NAME}` or `file:…`.',
        }),
      ),
    sources: tables(
      sourceSchema(components),
      'Where data comes from. Each source becomes the bronze table of the same name.',
    ),
    silver: tables(
      silverSchema(components),
      'Clean tables: rows of one or several sources, converted, checked and deduplicated.',
    ),
    gold: tables(
      goldSchema(components),
      'Tables modelled in SQL over `bronze.x`, `silver.y` and `gold.z`. What they depend on is read from the SQL.',
    ),
    streams: streamsSchema(),
    loads: loadsSchema(),
    mirrors: mirrorsSchema(),
    serve: serveSchema(),
    dashboard: dashboardSchema(),
    metrics: metricsSchema(),
    openlineage: openLineageSchema(),
    alerts: alertsSchema(),
  });
  return schema as unknown as z.ZodMiniType<ProjectShape>;
}
