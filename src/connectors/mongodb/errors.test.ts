import { expect, it } from 'vitest';
import { mongodbError } from './errors.ts';

const LOST =
  'PlanExecutor error during aggregation :: caused by :: Resume of change stream was not possible, as the resume point may no longer be in the oplog.';

it.each([
  ['with its number', Object.assign(new Error(LOST), { code: 286 })],
  ['in words alone', new Error(LOST)],
  ['while the oplog is looked through', Object.assign(new Error('CollectionScan died'), { code: 136 })],
])('history that is gone is known %s', (_, error) => {
  expect(mongodbError(error, 'here/shop')).toMatchObject({ code: 'E_SOURCE_LOST', retryable: false });
});
