'use strict';
// Loaded before the program (`NODE_OPTIONS=--require=…`): the fsync that DATAFLOW_TEST_FSYNC counts to reports an error of the disk, as the system would.
// The ledger has its own way to the disk, which is not touched.
const fs = require('node:fs');

const nth = Number(process.env.DATAFLOW_TEST_FSYNC);
const real = fs.fsync;
let calls = 0;
fs.fsync = (fd, done) => {
  calls += 1;
  if (calls !== nth) return real(fd, done);
  fs.writeSync(2, `fsync refused: ${fs.readlinkSync(`/proc/self/fd/${fd}`)}\n`);
  const error = Object.assign(new Error('EIO: i/o error, fsync'), { errno: -5, code: 'EIO', syscall: 'fsync' });
  process.nextTick(done, error);
};
