import { KILLS, KILLS_LATER, placeContract } from './place-contract.ts';
import { hdfsKeeper, s3Keeper, sftpKeeper } from './place-keepers.ts';
import { describeService, uniqueName } from './service.ts';

/** Files of a place against the real servers: the same suite for each kind, but that one is enough for kills where all kinds go the same way. */
describeService('minio', ({ url }) => {
  placeContract(() => s3Keeper(url, uniqueName('places').replace('_', '-')), [...KILLS, ...KILLS_LATER]);
});

describeService('sftp', ({ url, settings }) => {
  placeContract(() => sftpKeeper(url, settings, uniqueName('places')));
});

describeService('hdfs', ({ url }) => {
  placeContract(() => hdfsKeeper(url, uniqueName('places')));
});
