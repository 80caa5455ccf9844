import type { $ZodType } from 'zod/v4/core';
import type { EngineSpec } from '../model/project.ts';
import type { Engine } from './engine.ts';
import type { FarEngine } from './far-engine.ts';

/**
 * A kind of engine: `engines/<engine>/engine.ts` exports one as `component`. That file is loaded to check a configuration, so it
 * imports the engine's library only inside `open`.
 */
export interface EngineComponent<O = unknown> {
  readonly type: string;
  readonly summary: string;
  /** The options of `engine:` beside `type`. */
  readonly schema: $ZodType<O>;
  /** Absent for an engine that runs no steps. @param places.temp_folder local folder for what does not fit into memory. */
  open?(spec: EngineSpec, places: { readonly temp_folder: string }): Promise<Engine>;
  /** Absent for an engine that works on this machine. @param env where its address may come from. */
  reach?(
    spec: EngineSpec,
    options: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
  ): Promise<FarEngine>;
}
