import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const title = 'Guests that talk while a run on their host goes on';
export const about = 'Two guests of a bridge ping each other, as fast as they can (`ping -f`, which takes a processor whole) and 1,000 times a second, alone and while `run` probes two others at 1,000 frames a second and listens on every port, in turn. Peer: the same pings without a run. `answers/s`: what came back. `kept` are frames of the evidence, all of the run\'s own.';

/** In namespaces of its own, as root of this machine or of a user namespace. */
export function measure({ scratch, rounds }) {
  const user = process.getuid() === 0 ? [] : ['--user', '--map-root-user'];
  const argv = [...user, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, fileURLToPath(new URL('guests-traffic-inside.mjs', import.meta.url)), scratch, String(rounds)];
  const { stdout, status } = spawnSync('unshare', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, VERIFY_ISOLATION_JOURNAL: `${scratch}/journal` } });
  if (status !== 0) throw new Error(`exit status ${status}`);
  return JSON.parse(stdout);
}
