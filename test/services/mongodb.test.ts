import { Decimal128, MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { describeService, uniqueName } from './service.ts';

describeService('mongodb', ({ url }) => {
  it('commits a transaction and tells a change stream', async () => {
    const client = await MongoClient.connect(url);
    try {
      const orders = client.db(uniqueName('shop')).collection('orders');
      await orders.insertOne({ amount: Decimal128.fromString('0.10') });
      const changes = orders.watch();
      const first = changes.next();
      await new Promise((resolve) => setTimeout(resolve, 200)); // The stream must be open before the insert.
      await client.withSession((session) =>
        session.withTransaction(() =>
          orders.insertOne({ amount: Decimal128.fromString('12345678901234567890.12') }, { session }),
        ),
      );
      expect(await first).toMatchObject({ operationType: 'insert' });
      await changes.close();
      const amounts = await orders
        .find()
        .map((one) => String(one['amount']))
        .toArray();
      expect(amounts).toEqual(['0.10', '12345678901234567890.12']);
    } finally {
      await client.close();
    }
  });
});

describeService('mongodb_three', ({ url }) => {
  it('has another primary after a stepdown', async () => {
    const client = await MongoClient.connect(url, { retryWrites: true });
    try {
      const admin = client.db('admin');
      const before = (await admin.command({ hello: 1 }))['primary'];
      await admin.command({ replSetStepDown: 5, secondaryCatchUpPeriodSecs: 2 });
      await client
        .db(uniqueName('shop'))
        .collection('orders')
        .insertOne({ a: 1 }, { writeConcern: { w: 'majority' } });
      expect((await admin.command({ hello: 1 }))['primary']).not.toBe(before);
    } finally {
      await client.close();
    }
  });
});
