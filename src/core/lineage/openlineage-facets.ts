export const RUN_EVENT_SCHEMA = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';
const FACETS = 'https://openlineage.io/spec/facets';

/** Facets that are written, with the version of their schema. */
const SCHEMAS = {
  columnLineage: '1-2-0/ColumnLineageDatasetFacet',
  dataQualityAssertions: '1-1-0/DataQualityAssertionsDatasetFacet',
  dataQualityMetrics: '1-0-3/DataQualityMetricsInputDatasetFacet',
  dataSource: '1-0-1/DatasourceDatasetFacet',
  errorMessage: '1-0-1/ErrorMessageRunFacet',
  inputStatistics: '1-0-0/InputStatisticsInputDatasetFacet',
  jobType: '2-0-4/JobTypeJobFacet',
  outputStatistics: '1-0-2/OutputStatisticsOutputDatasetFacet',
  parent: '1-2-0/ParentRunFacet',
  processing_engine: '1-1-1/ProcessingEngineRunFacet',
  schema: '1-2-0/SchemaDatasetFacet',
  sql: '1-1-0/SQLJobFacet',
  symlinks: '1-0-1/SymlinksDatasetFacet',
  version: '1-0-1/DatasetVersionDatasetFacet',
} as const;

type FacetName = keyof typeof SCHEMAS;
export type Facets = Partial<Record<FacetName, object>>;

/** Facets as they stand in an event: each with who made it and the schema that it fits. */
export function withSchemas(facets: Facets, producer: string): object {
  const entries = Object.entries(facets).map(([name, facet]) => {
    const schema = SCHEMAS[name as FacetName];
    const type = schema.split('/')[1];
    return [name, { _producer: producer, _schemaURL: `${FACETS}/${schema}.json#/$defs/${type}`, ...facet }];
  });
  return Object.fromEntries(entries);
}

/** What failed, as events say it. */
export function errorFacet(error: { readonly code: string; readonly message: string } | undefined): Facets {
  if (error === undefined) return {};
  return { errorMessage: { message: `${error.code}: ${error.message}`, programmingLanguage: 'SQL' } };
}
