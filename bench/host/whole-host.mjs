import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const title = 'A whole host: from the command to the answer';
export const about =
  'A bridge without an uplink, with 3 to 200 guests that the bridge knows, and `run --yes` on it. `round 1`: from the command to the end of the step in which each guest sends, is sent to and listens; `all pairs`: to the end of the last step; `answer`: to the end of the program. The planted leak in a lab, right before, is in all three. Medians.';

const sizes = [3, 10, 50, 200];
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** In namespaces of its own, as root of this machine or of a user namespace. */
export function measure({ scratch, rounds }) {
  return sizes.map((guests) => {
    const user = process.getuid() === 0 ? [] : ['--user', '--map-root-user'];
    const argv = [
      ...user,
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-c',
      'mount -t sysfs sysfs /sys && mount -t tmpfs -o mode=755 tmpfs /run && exec "$0" "$@"', // journals of its own
      process.execPath,
      fileURLToPath(new URL('whole-host-inside.mjs', import.meta.url)),
      scratch,
      String(guests),
      String(rounds),
    ];
    const { stdout, status } = spawnSync('unshare', argv, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 2 ** 30,
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    if (status !== 0) throw new Error(`${guests} guests: exit status ${status}`);
    const found = JSON.parse(stdout);
    const seconds = (key) => median(found.map((one) => one[key])).toFixed(1);
    return {
      guests: String(guests),
      pairs: String(guests * (guests - 1)),
      'round 1 s': seconds('first'),
      'all pairs s': seconds('last'),
      'answer s': seconds('seconds'),
      verdict: [...new Set(found.map((one) => one.verdict))].join(', '),
    };
  });
}
