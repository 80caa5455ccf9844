import { engineContract } from '../testing/engine-contract.ts';
import { openDuckDb } from './open-duckdb.ts';

engineContract((temp_folder) => openDuckDb({ type: 'duckdb', threads: 2, memory_limit: '512MB' }, { temp_folder }));
