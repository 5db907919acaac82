import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { scratchFolder } from '../../../../support/scratch.js';
import { combineExitStatuses } from '../../../../../src/cli/command.js';
import { reportSeries } from '../../../../../src/cli/commands/run/run.js';
import { RunSeries, type SeriesRequest, Stop } from '../../../../../src/cli/commands/run/run-series.js';
import type { Result } from '../../../../../src/core/model/result.js';
import type { Scenario } from '../../../../../src/core/model/scenario.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import type { Run } from '../../../../../src/run/run.js';
import { perfectRun, scenario, step } from '../../../../support/judge/perfect-run.js';
import { result, step as judged } from '../../../../support/report/fixture.js';

const runScenario = vi.hoisted(() => vi.fn<(scenario: Scenario) => Promise<Run>>());
vi.mock('../../../../../src/run/run.js', () => ({ runScenario }));
vi.mock('../../../../../src/system/fabric/lab/enter.js', () => ({ renewLab: (inside: unknown) => inside }));

const proveFixesInLab = vi.hoisted(() => vi.fn<() => Promise<Result>>());
vi.mock('../../../../../src/cli/commands/run/prove-fixes.js', () => ({ proveFixesInLab }));

const scratch = scratchFolder('run-series');
afterEach(() => vi.restoreAllMocks());

const missing = new VerifyError('program-missing', 69, 'tc is not there', 'install iproute2');

/** What a run that leaves this result gives. */
function ended(left: Result): Run {
  const { plan, run, timeline, states } = perfectRun();
  return { result: left, plan, dir: scratch, unrestored: [], frames: [], input: { plan, run, timeline, states } };
}

const leaking = (name: string): Run => {
  const { scenario: record, ...rest } = result([judged('gate', { verdict: 'broken', asExpected: false })], {
    exitCode: 2,
    asExpected: false,
  });
  return ended({ ...rest, scenario: { ...record, name } });
};

/** Resolves when the time of the runs is over. */
const timeUp = (stop: Stop): Promise<void> =>
  new Promise((resolve) => {
    stop.signal.addEventListener('abort', () => resolve());
    stop.startTimer(1);
  });

/** Carries out a scenario for each run, which ends or fails, and reports: status, JUnit's report, stderr. */
async function seriesOf(
  runs: Readonly<Record<string, Run | Error>>,
  meanwhile: (stop: Stop) => Promise<void> = () => Promise.resolve(),
  proveFix = false,
) {
  const stop = new Stop();
  const junit = join(scratch, 'junit.xml');
  const stderr: string[] = [];
  const stdout: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => stderr.push(String(text)) > 0);
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => stdout.push(String(text)) > 0);
  runScenario.mockImplementation(async ({ name }) => {
    await meanwhile(stop);
    const run = runs[name];
    return run === undefined || run instanceof Error ? Promise.reject(run) : Promise.resolve(run);
  });
  const reporters = [
    { name: 'terminal', path: null },
    { name: 'junit', path: junit },
  ] as const;
  const request = {
    options: {
      files: [],
      out: join(scratch, Object.keys(runs).join('-')),
      json: false,
      quiet: true,
      verbose: false,
      engine: 'cap',
      reporter: [],
      keep: 'all',
      allowRun: false,
      page: false,
      timeout: '1s',
      toolVersion: '1',
      proveFix,
    },
    baselines: [],
    onHost: false,
    signKey: null,
  } as const satisfies SeriesRequest;
  const scenarios = Object.keys(runs).map((name) => ({ ...scenario([step()]), name }));
  const series = new RunSeries(request, scenarios, { runsAs: 'root', sysfs: true }, stop);
  await series.carryOut();
  const status = combineExitStatuses(await reportSeries({ ...request, reporters }, series, stop));
  return { status, junit: readFileSync(junit, 'utf8'), stderr: stderr.join(''), stdout: stdout.join('') };
}

it('a run that fails after one that leaks leaves status, answer and reports of that one', async () => {
  const { status, junit, stderr, stdout } = await seriesOf({ a: leaking('a'), b: missing, c: leaking('c') });
  expect(status).toBe(2);
  expect(junit).toContain('<testsuite name="a" tests="1" failures="1"');
  expect(junit).toContain('<error message="no result">tc is not there</error>');
  expect(junit).toContain('<error message="no result">not begun: a run before it failed</error>');
  expect(stdout).toContain('BROKEN');
  expect(stderr).toBe('REFUSED: tc is not there\n  install iproute2\n');
  expect(runScenario.mock.calls.map(([{ name }]) => name)).toEqual(['a', 'b']);
});

it('a run that fails after one that came out as expected has its own status', async () => {
  const fine = result([judged('gate', {})]);
  expect(await seriesOf({ fine: ended(fine), b: missing })).toMatchObject({ status: 69 });
});

it('runs that are not begun in time are errors', async () => {
  const fine = ended(result([judged('gate', {})]));
  const { status, junit } = await seriesOf({ fine, late: fine }, timeUp);
  expect(status).toBe(3);
  expect(junit).toContain('<error message="no result">stopped by --timeout 1s</error>');
});

it('a leak is reported where trying its fixes fails', async () => {
  proveFixesInLab.mockRejectedValue(missing);
  const { status, junit, stderr } = await seriesOf({ d: leaking('d') }, undefined, true);
  expect(status).toBe(2);
  expect(junit).toContain('<testsuite name="d" tests="1" failures="1"');
  expect(stderr).toBe('verify-isolation: tc is not there\n  install iproute2\n');
});

it('where no run ended the failure is thrown', async () => {
  await expect(seriesOf({ a1: missing, b1: leaking('b') })).rejects.toEqual(missing);
});
