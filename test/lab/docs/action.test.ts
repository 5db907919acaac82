import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cli, top } from '../../support/lab/program.js';
import { scratchFolder } from '../../support/scratch.js';

interface Step {
  readonly name: string;
  readonly run?: string;
  readonly uses?: string;
  readonly env?: Readonly<Record<string, string>>;
}
const action: { readonly runs: { readonly steps: readonly Step[] } } = parse(
  readFileSync(join(top, 'contrib/ci/action.yml'), 'utf8'),
);
const scratch = scratchFolder('action');

/** Runs a step as a runner does: bash that ends at the first failure, and inputs by the environment. */
function runStep(name: string, env: Readonly<Record<string, string>>): ReturnType<typeof spawnSync> {
  const step = action.runs.steps.find((each) => each.name === name);
  if (step?.run === undefined) throw new Error(`no step ${name} with commands`);
  return spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run], {
    encoding: 'utf8',
    cwd: top,
    env: { ...process.env, ...env },
  });
}

describe('contrib/ci/action.yml', () => {
  it('gives its inputs to commands by the environment alone', () => {
    expect(action.runs.steps.filter(({ run }) => run?.includes('${{'))).toEqual([]);
    expect(action.runs.steps.filter(({ run, uses }) => (run === undefined) === (uses === undefined))).toEqual([]);
  });

  it.each([
    ['scenarios/switch-mode.yml', '0'],
    ['broken.yml', '2'],
  ])('runs %s: exit status %s, SARIF, job summary, evidence', (scenario, status) => {
    const temp = join(scratch, status);
    const bin = join(temp, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'verify-isolation'), `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`, {
      mode: 0o755,
    });
    const broken = join(temp, 'broken.yml');
    writeFileSync(
      broken,
      readFileSync(join(top, 'scenarios/hub-mode.yml'), 'utf8').replaceAll(
        /expect: \{ verdict: broken.*/g,
        'expect: private',
      ),
    );
    const env = {
      PATH: `${bin}:${process.env['PATH']}`,
      RUNNER_TEMP: temp,
      GITHUB_OUTPUT: join(temp, 'output'),
      GITHUB_STEP_SUMMARY: join(temp, 'summary'),
      SCENARIOS: scenario === 'broken.yml' ? broken : scenario,
      OPTIONS: '--timeout 5m --quiet',
    };
    const run = runStep('Run', env);
    expect([String(run.status), run.stderr]).toEqual([status, '']);
    expect(readFileSync(env.GITHUB_OUTPUT, 'utf8')).toBe(`status=${status}\nsarif=written\n`);
    expect(runStep('Summary', env).status).toBe(0);
    expect(readFileSync(env.GITHUB_STEP_SUMMARY, 'utf8')).toContain(status === '2' ? 'BROKEN' : 'HOLDS');
    const sarif: { readonly version: string; readonly runs: readonly { readonly results: readonly unknown[] }[] } =
      JSON.parse(readFileSync(join(temp, 'isolation/isolation.sarif'), 'utf8'));
    expect([sarif.version, (sarif.runs[0]?.results.length ?? 0) > 0]).toEqual(['2.1.0', status === '2']);
    expect(existsSync(join(temp, 'isolation/evidence/result.json'))).toBe(true);
  });
});

it('contrib/ci/action.yml says nothing where nothing was written', () => {
  const env = { RUNNER_TEMP: join(scratch, 'none'), GITHUB_STEP_SUMMARY: join(scratch, 'none-summary') };
  const { status, stderr } = runStep('Summary', env);
  expect([status, stderr, existsSync(env.GITHUB_STEP_SUMMARY)]).toEqual([0, '', false]);
});

it('.github/workflows run scripts that package.json has', () => {
  const { scripts }: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(top, 'package.json'), 'utf8'),
  );
  const text = readFileSync(join(top, '.github/workflows/ci.yml'), 'utf8');
  const workflow: { readonly jobs: Readonly<Record<string, unknown>> } = parse(text);
  expect(Object.keys(workflow.jobs)).toEqual(['check', 'test']);
  const named = [...text.matchAll(/npm run ([\w:]+)|npm (test)\b/g)].map(([, script, test]) => script ?? test ?? '');
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  expect(named).toEqual(['check', 'test']);
});
