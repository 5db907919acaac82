import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median, spread } from '../frame/median.mjs';
import { meshScenario } from './scenarios.mjs';
import { timedRun } from './timed-run.mjs';

export const title = 'All pairs at once instead of one after the other';
export const about =
  'What one would do by hand: for each ordered pair of guests a tcpdump on every other port, one ping once all of them listen, 0.1 s of waiting, a look at what they wrote (bench/mesh/sequential-inside.sh; its lab is not counted). Measured with 8 guests; the rows for more are that time a pair times the pairs, although 1,000 guests would take 998 tcpdumps a pair instead of 6. The whole program runs all pairs, everything included.';

const guests = 8;
const script = fileURLToPath(new URL('sequential-inside.sh', import.meta.url));

function oneAfterTheOther() {
  const user = process.getuid() === 0 ? [] : ['--user', '--map-root-user'];
  const reported = execFileSync(
    'unshare',
    [...user, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'bash', script, String(guests)],
    { encoding: 'utf8', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } },
  );
  const [pairs, seconds, overheard] = reported.trim().split(' ').map(Number);
  if (overheard !== 0) throw new Error(`${overheard} frames were overheard on a bridge that isolates`);
  return { pairs, seconds };
}

function duration(seconds) {
  return seconds < 120
    ? `${seconds.toFixed(2)} s`
    : seconds < 7200
      ? `${(seconds / 60).toFixed(0)} min`
      : seconds < 172_800
        ? `${(seconds / 3600).toFixed(1)} h`
        : `${(seconds / 86_400).toFixed(1)} days`;
}

export async function measure({ scratch, rounds }) {
  const loops = [];
  const runs = new Map([
    [guests, []],
    [100, []],
    [1000, []],
  ]);
  for (let round = 0; round < rounds; round += 1) {
    loops.push(oneAfterTheOther());
    for (const [many, reported] of runs) reported.push((await timedRun(scratch, meshScenario(scratch, many))).seconds);
  }
  const pair = median(loops.map(({ seconds, pairs }) => seconds / pairs));
  return [...runs].map(([many, seconds]) => {
    const pairs = many * (many - 1);
    return {
      guests: many,
      pairs: pairs.toLocaleString('en-US'),
      'ping and tcpdump': `${duration(pair * pairs)}${many === guests ? '' : ' (extrapolated)'}`,
      'this program': duration(median(seconds)),
      'least–most s': spread(seconds),
      'times as fast': ((pair * pairs) / median(seconds)).toFixed(1),
    };
  });
}
