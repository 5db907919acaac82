import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { contest } from '../frame/contest.mjs';
import { replayers } from './contestants.mjs';
import { hubFolder } from './run-folders.mjs';

export const title = 'Judging 100 thousand to 10 million sightings';
export const about =
  'Full mesh rounds of 50 guests in hub mode: every probe is a sighting at its addressee and a leak at 48 others. `replay DIR`, the whole program; peer: tcpdump on the same file. Memory must not grow with the frames.';

/** Rounds of the mesh: 122,500 frames each. */
const sizes = [1e5, 1e6, 1e7];

export function measure({ scratch, rounds }) {
  return sizes.flatMap((size) => {
    const dir = join(scratch, String(size));
    const frames = hubFolder(dir, size);
    const rows = contest({ contestants: replayers(dir).filter(({ name }) => !name.startsWith('`sha256sum')), rounds });
    rmSync(dir, { recursive: true });
    return rows.map((row) => ({ frames: frames.toLocaleString('en'), ...row }));
  });
}
