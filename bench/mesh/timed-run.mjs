import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTree } from '../frame/tree.mjs';

const program = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));

/**
 * Runs a scenario with the whole program and throws the folder away. Gives seconds from start to exit with everything
 * in them (lab, workers, controls, probes, judging, evidence, report, clean-up), processor seconds, the most memory of
 * the whole tree of processes, and what the result says.
 */
export async function timedRun(scratch, scenario, statuses = [0]) {
  const out = join(scratch, 'evidence');
  rmSync(out, { recursive: true, force: true });
  const reported = await runTree([process.execPath, program, 'run', scenario, '--quiet', '--out', out], {
    output: join(scratch, 'output'),
  });
  if (!statuses.includes(reported.status))
    throw new Error(
      `${scenario}: exit status ${reported.status}\n${reported.stderr}\n${readFileSync(join(scratch, 'output'), 'utf8')}`,
    );
  const { verdict, steps } = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
  const [{ observers, findings }] = steps;
  const dropped = observers.reduce((sum, observer) => sum + observer.dropped, 0);
  const received = observers.reduce((sum, observer) => sum + observer.received, 0);
  const leaks = findings.reduce((sum, row) => sum + (row.leak ? row.seen : 0), 0);
  rmSync(out, { recursive: true, force: true });
  return { ...reported, verdict, received, dropped, leaks };
}
