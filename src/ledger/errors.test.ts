import { expect, it } from 'vitest';
import { ledgerError } from './errors.ts';

it('JSON in the ledger that is no JSON any more is damage, not a defect', () => {
  const error = ((): unknown => {
    try {
      return JSON.parse('{"redo":fclse}');
    } catch (caught) {
      return caught;
    }
  })();
  expect(ledgerError(error, 'ledger.db')).toMatchObject({ code: 'E_LEDGER_CORRUPT', place: { file: 'ledger.db' } });
  expect(ledgerError(new TypeError('x'), 'ledger.db')).toMatchObject({ code: 'E_INTERNAL' });
});
