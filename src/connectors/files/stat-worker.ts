import { workerData } from 'node:worker_threads';
import { type StatTask, statChunks } from './stat-chunks.ts';

/** The entry of a thread that stats files of one large folder beside the main thread; it ends when none is left. */
const task = workerData as StatTask;
const control = new Int32Array(task.control);
statChunks(task, task.names.split('/'), () => {
  Atomics.add(control, 1, 1);
  Atomics.notify(control, 1);
});
