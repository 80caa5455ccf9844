import { DataflowError } from '../core/errors/dataflow-error.ts';
import { type Layer, TABLE_NAME, type TableId } from '../core/model/table.ts';

/** Folder of a layer, relative to the lake. */
export function layerFolder(layers: Readonly<Record<Layer, string>>, layer: TableId['layer']): string {
  return layer === 'quarantine' ? 'quarantine' : layers[layer];
}

/** Folder of a table, relative to the lake. @throws DataflowError E_LAKE_NO_TABLE for what cannot be a table's name. */
export function tableFolder(layers: Readonly<Record<Layer, string>>, table: TableId): string {
  if (!TABLE_NAME.test(table.name))
    throw new DataflowError('E_LAKE_NO_TABLE', `${JSON.stringify(table.name).slice(0, 80)} is not a table name`);
  return `${layerFolder(layers, table.layer)}/${table.name}`;
}
