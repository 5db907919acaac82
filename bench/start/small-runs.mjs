import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withMounts } from '../frame/inside.mjs';

export const title = 'Small runs beside those of another build';
export const about =
  'A lab (`run scenarios/switch-mode.yml`: 600 frames and five requests) and a host (three guests on a bridge, one step of 600 frames). Peer: the program of the checkout that `BENCH_PEER=DIR` names, built; without it this build beside itself, which shows what the machine does to the ratios. A round is a run of each, one after the other, and every other round begins with the other build. `processor s`: user and system, of all processes of the run. Medians; a ratio is the median of the ratios of the rounds.';

const program = fileURLToPath(new URL('small-runs-inside.mjs', import.meta.url));
const here = fileURLToPath(new URL('../..', import.meta.url));
/** Journals and named namespaces of its own, and the devices of its network namespace. */
const mounts = 'mount -t sysfs sysfs /sys && mount -t tmpfs -o mode=755 tmpfs /run';

/** In namespaces of its own, as root of this machine or of a user namespace. `BENCH_ROUNDS` of 15 and more say something. */
export function measure({ scratch, rounds }) {
  const peer = process.env.BENCH_PEER ?? here;
  if (!existsSync(join(peer, 'dist/cli.cjs'))) throw new Error(`BENCH_PEER=${peer}: there is no dist/cli.cjs in it`);
  return withMounts(mounts, program, scratch, rounds, peer, here);
}
