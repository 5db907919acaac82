import { join } from 'node:path';
import { contest } from '../frame/contest.mjs';
import { replayers } from './contestants.mjs';
import { talkFolder } from './run-folders.mjs';

export const title = 'Judging a run of 1 GB again: full-size frames without token';
export const about =
  'The whole program on a folder whose evidence.pcapng has 1 GB: every byte hashed and searched for tokens, every frame judged. Peer: tcpdump on the same file. A hash cannot be made on two processors: `sha256sum` alone shows what it takes, reading included.';

export function measure({ scratch, rounds }) {
  const dir = join(scratch, 'run');
  talkFolder(dir, 1514);
  return contest({ contestants: replayers(dir), rounds });
}
