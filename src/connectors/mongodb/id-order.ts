import type { Document } from 'mongodb';

/**
 * Documents that come behind `id` when they are sorted by `_id`. A plain `$gt` sees only ids of the same type; the order goes over all of them
 * (numbers, then text, then ObjectIds).
 */
export function isBeyondId(id: unknown): Document {
  return { $expr: { $gt: ['$_id', { $literal: id }] } };
}
