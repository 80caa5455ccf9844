import { placeContract } from './place-contract.ts';
import { hdfsKeeper, s3Keeper, sftpKeeper } from './place-keepers.ts';
import { describeService, uniqueName } from './service.ts';

/** Files of a place against the real servers: the same suite for each kind. */
describeService('minio', ({ url }) => {
  placeContract(() => s3Keeper(url, uniqueName('places').replace('_', '-')));
});

describeService('sftp', ({ url, settings }) => {
  placeContract(() => sftpKeeper(url, settings, uniqueName('places')));
});

describeService('hdfs', ({ url }) => {
  placeContract(() => hdfsKeeper(url, uniqueName('places')));
});
