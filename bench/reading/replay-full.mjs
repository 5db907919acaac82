import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { contest } from '../frame/contest.mjs';
import { replayers } from './contestants.mjs';
import { talkFolder } from './run-folders.mjs';

export const title = 'Judging a run of 1 GB again: full-size frames without token';
export const about =
  'The whole program on a folder whose evidence.pcapng has 1 GB: every byte hashed and searched for tokens, every frame judged. Peer: tcpdump on the same file. `sha256sum` alone shows what one hash of the whole takes, reading included. `sha256sum` of 64 MiB pieces, two at a time, shows the least that a tree of hashes would take on two processors.';

export function measure({ scratch, rounds }) {
  const dir = join(scratch, 'run');
  talkFolder(dir, 1514);
  const pieces = join(scratch, 'pieces');
  mkdirSync(pieces);
  execFileSync('split', ['-b', '64M', join(dir, 'evidence.pcapng'), `${pieces}/`]);
  const inPairs = {
    name: '`sha256sum` of 64 MiB pieces, two at a time',
    argv: ['sh', '-c', `ls ${pieces}/* | xargs -P 2 -n 1 sha256sum`],
  };
  return contest({ contestants: [...replayers(dir), inPairs], rounds });
}
