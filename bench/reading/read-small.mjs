import { join } from 'node:path';
import { contest } from '../frame/contest.mjs';
import { writeClassic } from './captures.mjs';
import { readers } from './contestants.mjs';

export const title = 'Reading 1 GB of frames of 60 bytes';
export const about =
  'A classic capture of two hosts that talk over TCP, read from the first byte to the last. Peer: tcpdump.';

export function measure({ scratch, rounds }) {
  const path = join(scratch, 'capture.pcap');
  writeClassic(path, 60);
  return contest({ contestants: readers(path), rounds });
}
