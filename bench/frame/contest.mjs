import { spawnSync } from 'node:child_process';
import { median, spread } from './median.mjs';

/**
 * Runs programs in turn, round after round, so that what else the machine does hits all alike. A contestant is `{ name,
 * argv }`; the first is the peer that the others are held against. Gives a row each: seconds from start to exit
 * (median, and least to most), processor seconds, both as ratios to the peer's, and the most memory. A program that is
 * not installed gives a row that says so.
 */
export function contest({ contestants, rounds, cwd }) {
  const times = new Map(contestants.map(({ name }) => [name, { real: [], cpu: [], peak: 0, missing: false }]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, argv } of contestants) {
      const known = times.get(name);
      if (known.missing) continue;
      const reported = timed(argv, cwd);
      if (reported === null) known.missing = true;
      else if (round > 0) {
        // round 0 warms caches
        known.real.push(reported.real);
        known.cpu.push(reported.cpu);
        known.peak = Math.max(known.peak, reported.peak);
      }
    }
  }
  const peer = times.get(contestants[0].name);
  return contestants.map(({ name }) => {
    const { real, cpu, peak, missing } = times.get(name);
    if (missing) return { what: name, seconds: 'not installed' };
    return {
      what: name,
      seconds: median(real).toFixed(2),
      'least–most': spread(real),
      'processor s': median(cpu).toFixed(2),
      'time / peer': (median(real) / median(peer.real)).toFixed(2),
      'processor / peer': (median(cpu) / median(peer.cpu)).toFixed(2),
      'memory MB': peak === 0 ? '' : String(Math.round(peak)),
    };
  });
}

/** Bash's own `time`, and the most memory from GNU time where there is one; null = the program is not installed. */
function timed(argv, cwd) {
  const script = 'TIMEFORMAT="@@ %R %U %S"; time "$@" > /dev/null';
  const { stderr, status } = spawnSync('bash', ['-c', script, 'bash', ...argv], {
    encoding: 'utf8',
    cwd,
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 1 << 26,
  });
  if (status === 127) return null;
  if (status !== 0) throw new Error(`${argv.join(' ')}: exit status ${status}: ${stderr}`);
  const [, real, user, system] = /@@ (\S+) (\S+) (\S+)/.exec(stderr) ?? [];
  return {
    real: Number(real),
    cpu: Number(user) + Number(system),
    peak: Number(/^peak (\d+)$/m.exec(stderr)?.[1] ?? 0) / 1024,
  };
}
