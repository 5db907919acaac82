import { describe, expect, it } from 'vitest';
import { lostRun, readRun, type ReportedFile, type Run, sumUp, type Test } from '../../../scripts/test-sum.mjs';

const cwd = '/checkout';

/**
 * A file of a report, by what became of its tests: `a: passed`, `b: skipped: it takes root`, `c: failed: why`; `d #all:
 * passed` has the tag; `e: passed: why` failed at its first try.
 */
function file(name: string, ...tests: readonly string[]): ReportedFile {
  const assertionResults = tests.map((text) => {
    const [fullName = '', status = '', why = ''] = text.split(': ');
    return {
      fullName,
      status,
      meta: status === 'skipped' && why !== '' ? { skipped: why } : {},
      tags: fullName.endsWith(' #all') ? ['kernel', 'all'] : [],
      failureMessages: status !== 'skipped' && why !== '' ? [`${why}\n    at ${name}:1`] : [],
    };
  });
  const failed = assertionResults.some(({ status }) => status === 'failed');
  return { name: `${cwd}/test/${name}`, status: failed ? 'failed' : 'passed', message: '', assertionResults };
}

const run = (title: string, ...testResults: readonly ReportedFile[]): Run =>
  readRun(title, { testResults }, { cwd, end: 0 });

const rest = (place: string, name: string, why: string | null): Test => ({
  file: `test/${place}`,
  name,
  why,
  level: 'test',
});

describe('the sum of all runs', () => {
  it('counts a test in each run that executed it', () => {
    const [first, second] = ['as root', 'as nobody'].map((title) => run(title, file('a', 'x: passed', 'y: passed')));
    if (first === undefined || second === undefined) throw new Error('no runs');
    expect(sumUp({ runs: [first, second] })).toEqual({ passed: 4, failed: 0, skipped: 0, lines: [] });
  });

  it('does not count as skipped what one run skipped or left out by its choice, and another one executed', () => {
    const here = run(
      'here',
      file('a', 'x: passed', 'y: skipped: this kernel lacks VLAN filtering'),
      file('b', 'z: passed'),
    );
    const there = run('there', file('a', 'x: skipped', 'y: passed'));
    expect(sumUp({ runs: [here, there] })).toEqual({ passed: 3, failed: 0, skipped: 0, lines: [] });
  });

  it('counts once what every run skipped, and says why', () => {
    const runs = ['here', 'there'].map((title) =>
      run(title, file('a', 'x: passed', 'y: skipped: this kernel lacks VLAN filtering', 'z: skipped')),
    );
    expect(sumUp({ runs })).toEqual({
      passed: 2,
      failed: 0,
      skipped: 2,
      lines: [
        'SKIPPED: 1 test, because this kernel lacks VLAN filtering: test/a > y',
        'SKIPPED: 1 test, because no run executed it, and it does not say why: test/a > z',
      ],
    });
  });

  it('of one level does not count as skipped what is for the other', () => {
    const root = run('as root', file('a', 'x: passed', 'y #all: skipped', 'z: skipped: it takes QEMU'));
    expect(sumUp({ runs: [root], levels: ['test'] })).toEqual({
      passed: 1,
      failed: 0,
      skipped: 1,
      lines: ['SKIPPED: 1 test, because it takes QEMU: test/a > z'],
    });
    const beyond = run('test:all', file('a', 'x: skipped', 'y #all: skipped: no Docker', 'z: skipped'));
    const nobody = run('as nobody', file('a', 'x: passed', 'z: skipped: it takes QEMU'));
    expect(sumUp({ runs: [beyond, nobody], levels: ['all'] })).toEqual({
      passed: 1,
      failed: 0,
      skipped: 1,
      lines: ['SKIPPED: 1 test, because no Docker: test/a > y #all'],
    });
  });

  it('of both levels counts each test once, and what neither executed as skipped', () => {
    const root = run('npm test', file('a', 'x: passed', 'y #all: skipped', 'z #all: skipped'));
    const beyond = run('test:all', file('a', 'x: skipped', 'y #all: passed', 'z #all: skipped'));
    expect(sumUp({ runs: [root, beyond] })).toEqual({
      passed: 2,
      failed: 0,
      skipped: 1,
      lines: ['SKIPPED: 1 test, because no run executed it, and it does not say why: test/a > z #all'],
    });
  });

  it('of a share does not count as skipped what was not drawn', () => {
    const root = run('npm test', file('a', 'x: passed', 'y #all: skipped'), file('b', 'z: skipped', 'w #all: skipped'));
    const share = run('a share', file('a', 'x: skipped', 'y #all: skipped: no Docker'));
    expect(sumUp({ runs: [root, share], isDrawn: (path) => path === 'test/a' })).toEqual({
      passed: 1,
      failed: 0,
      skipped: 2,
      lines: [
        'SKIPPED: 1 test, because no Docker: test/a > y #all',
        'SKIPPED: 1 test, because no run executed it, and it does not say why: test/b',
      ],
    });
  });

  it('counts what passed when it was tried again as passed, and names it with why it failed', () => {
    expect(sumUp({ runs: [run('here', file('a', 'x: passed: it was late', 'y: passed'))] })).toEqual({
      passed: 2,
      failed: 0,
      skipped: 0,
      lines: ['TRIED AGAIN: in the run "here": test/a > x: it was late'],
    });
  });

  it('of a level that did not start is one failure more', () => {
    const root = run('npm test', file('a', 'x: passed'));
    expect(sumUp({ runs: [root, lostRun('the level all', 'Error: no disk')] })).toMatchObject({
      passed: 1,
      failed: 1,
      lines: ['FAILED: in the run "the level all": Error: no disk'],
    });
  });

  it('takes a test that is to be written for one that was skipped', () => {
    expect(sumUp({ runs: [run('here', file('a', 'x: passed', 'y: todo'))] }).skipped).toBe(1);
  });

  it('tells tests of one name apart by how many there are', () => {
    expect(
      sumUp({ runs: [run('here', file('a', 'x: passed', 'x: passed', 'x: skipped: it takes root'))] }),
    ).toMatchObject({
      passed: 2,
      skipped: 1,
      lines: ['SKIPPED: 1 test, because it takes root: test/a > x'],
    });
  });

  it('counts the tests of files that no run reported', () => {
    expect(
      sumUp({
        runs: [run('here', file('a', 'x: passed'))],
        rest: [
          rest('system/vm/b', 'y', 'there is no QEMU'),
          rest('system/vm/b', 'z', 'there is no QEMU'),
          rest('c', 'w', null),
        ],
      }),
    ).toEqual({
      passed: 1,
      failed: 0,
      skipped: 3,
      lines: [
        'SKIPPED: 2 tests, because there is no QEMU: test/system/vm/b (2)',
        'SKIPPED: 1 test, because no run executed it, and it does not say why: test/c',
      ],
    });
  });

  it('names folders where the places are many', () => {
    const many = Array.from({ length: 12 }, (_, at) => rest(`lab/${at < 5 ? 'host' : 'run'}/${at}`, 'x', 'no lab'));
    expect(sumUp({ runs: [], rest: many }).lines).toEqual([
      'SKIPPED: 12 tests, because no lab: test/lab/host/ (5), test/lab/run/ (7)',
    ]);
  });

  it('counts a run that could not be made once more as somebody else', () => {
    const runs = [run('as root', file('a', 'x: passed'))];
    const unmade = [{ title: 'as nobody', count: 1, why: 'user namespaces are refused' }];
    expect(sumUp({ runs, unmade })).toEqual({
      passed: 1,
      failed: 0,
      skipped: 1,
      lines: ['SKIPPED: the run "as nobody" (1 test), because user namespaces are refused'],
    });
  });

  it('names what failed, with the first line of why', () => {
    const runs = [
      run('here', file('a', 'x: failed: AssertionError', 'y: passed')),
      run('there', file('a', 'x: passed')),
    ];
    expect(sumUp({ runs })).toEqual({
      passed: 2,
      failed: 1,
      skipped: 0,
      lines: ['FAILED: in the run "here": test/a > x: AssertionError'],
    });
  });

  it('takes a file that could not be loaded for one failure', () => {
    const unloaded = { ...file('b'), status: 'failed', message: 'SyntaxError: no\n  at b' };
    expect(sumUp({ runs: [run('here', file('a', 'x: passed'), unloaded)] })).toMatchObject({
      passed: 1,
      failed: 1,
      lines: ['FAILED: in the run "here": test/b: SyntaxError: no'],
    });
  });

  it('says of a file whose hook failed, which has no message, where to look', () => {
    const hooked = { ...file('b'), status: 'failed', message: '' };
    expect(sumUp({ runs: [run('here', hooked)] }).lines).toEqual([
      'FAILED: in the run "here": test/b: a hook failed; its error stands above',
    ]);
  });

  it('takes a run for failed that left no report, executed no test, or ended badly although no test failed', () => {
    const bad = readRun('bad', { testResults: [file('a', 'x: passed')] }, { cwd, end: 'SIGKILL' });
    const idle = run('idle', file('b', 'y: skipped'));
    expect(sumUp({ runs: [bad, idle, lostRun('lost', 'it left no report (1)')] })).toMatchObject({
      passed: 1,
      failed: 3,
      skipped: 1,
      lines: [
        'FAILED: in the run "bad": it ended with SIGKILL although no test failed',
        'FAILED: in the run "idle": it executed no test, and none says why',
        'FAILED: in the run "lost": it left no report (1)',
        'SKIPPED: 1 test, because no run executed it, and it does not say why: test/b',
      ],
    });
  });

  it('lets a run execute nothing where each of its tests says what is missing here', () => {
    expect(sumUp({ runs: [run('here', file('b', 'y: skipped: it takes root'))] })).toMatchObject({
      failed: 0,
      skipped: 1,
      lines: ['SKIPPED: 1 test, because it takes root: test/b'],
    });
  });

  it('does not take the status that failed tests bring about for a failure of its own', () => {
    const { failures } = readRun('here', { testResults: [file('a', 'x: failed: no')] }, { cwd, end: 1 });
    expect(failures).toEqual(['test/a > x: no']);
  });
});
