import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { blocks, documents } from '../../support/documents.js';
import { scratchFolder } from '../../support/scratch.js';

const top = resolve(import.meta.dirname, '../../..');
const scratch = scratchFolder('documents');
mkdirSync(join(scratch, 'tmp'));

/** What an installed package puts into the path; that it does, test/system/package shows. */
const bin = join(scratch, 'bin');
mkdirSync(bin);
writeFileSync(
  join(bin, 'verify-isolation'),
  `#!/bin/sh\nexec "${process.execPath}" "${join(top, 'dist/cli.cjs')}" "$@"\n`,
  { mode: 0o755 },
);

/** What a shell makes of a line. */
function type(command: string): { readonly status: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync('sh', ['-c', command], {
    cwd: top,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` },
  });
  return { status, stderr: status === 0 ? '' : stderr };
}

/** What came of a run, and where its evidence is. */
interface Made {
  readonly status: number | null;
  readonly stderr: string;
  readonly dir: string;
}
const made = new Map<string, Made>();
/**
 * Of a line that is a run and nothing more: what the shell makes of its status, the run, its folder, what else the
 * shell makes of its status.
 */
const run = /^(! )?(verify-isolation run(?: (?!--out|\|\||>)\S+)+?)(?: --out (\S+))?( \|\| test \$\? = \d+)?$/;
/**
 * Runs that test/lab/scenarios makes with the same words where root runs it: here it is enough that their file is there and
 * says what can be run.
 */
const madeElsewhere = /^verify-isolation run (scenarios\/(?:hosts|attacks)\/\S+)$/;

/** What comes of a run, which is made where it was not made before. */
function madeOf(command: string, out: string | undefined): Made {
  const known = made.get(command);
  if (known !== undefined) return known;
  const dir = out ?? join(scratch, `run-${made.size}`);
  const came = { ...type(`${command} --out ${dir}`), dir };
  made.set(command, came);
  return came;
}

/**
 * What comes of a line of a document. The same run is made once: where documents show it with another folder, that one
 * gets a copy.
 */
function typed(line: string): ReturnType<typeof type> {
  const [, not = '', command, out, test = ''] = run.exec(line) ?? [];
  if (command === undefined) return type(line);
  const [, scenario] = madeElsewhere.exec(command) ?? [];
  if (scenario !== undefined && process.getuid?.() === 0) return type(`verify-isolation plan ${scenario}`);
  const came = madeOf(command, out);
  if (out !== undefined && out !== came.dir) cpSync(came.dir, out, { recursive: true });
  const { status } = type(`${not}(exit ${came.status})${test}`);
  return { status, stderr: status === 0 ? '' : came.stderr };
}

/** What it has its reader type. */
const commandsOf = (document: string): readonly string[] =>
  blocks(readFileSync(join(top, document), 'utf8'), 'sh')
    .flatMap((block) => block.split('\n'))
    // `npm test` of this very checkout would run itself; `demo` runs what `npm start` runs, and runs with an ear lost as
    // well.
    .filter((line) => line !== '' && line !== 'npm test' && line !== 'verify-isolation demo');

/** A command without what it is given: the program, its subcommand, the names of its options, and what is expected. */
const formOf = (command: string): string =>
  command
    .split(' ')
    .filter(
      (word, at, words) => /^(!|\|\||verify-isolation)$|^--?[a-z]/.test(word) || words[at - 1] === 'verify-isolation',
    )
    .map((word) => word.replace(/=.*/, ''))
    .join(' ');
const all = documents.flatMap((document) => commandsOf(document).map((command) => ({ document, command })));
/** What test/lab/cli/prove-fix.test.ts runs as well, which takes a run for each fix, and what reads its folder. */
const ofProveFix = / --prove-fix |\/tmp\/tried\b/;
/** The same with other files: it hands nothing to another command, and takes nothing from one. */
const repeats = all.filter(
  ({ command }, at) =>
    ofProveFix.test(command) ||
    (!command.includes('/tmp/') && all.slice(0, at).some((earlier) => formOf(earlier.command) === formOf(command))),
);

describe.each(documents.filter((document) => commandsOf(document).length > 0))('%s', (document) => {
  const repeated = repeats.filter((of) => of.document === document).map(({ command }) => command);
  const expectToWork = (command: string): void =>
    // What the reader's /tmp is to him is a folder of the test's own here.
    expect(typed(command.replaceAll('/tmp/', `${scratch}/tmp/`))).toEqual({ status: 0, stderr: '' });
  const level = document === 'README.md' ? {} : { tags: 'all' };
  it.each(commandsOf(document).filter((command) => !repeated.includes(command)))('%s', level, expectToWork);
  it.each(repeated)('%s', { tags: 'all' }, expectToWork);
});

/** Every text of a pipeline's file that starts this program. */
function runsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.includes('verify-isolation run ') ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(runsOf) : [];
}

function describePipeline(name: string): void {
  const [command = ''] = runsOf(parse(readFileSync(join(top, 'contrib/ci', `${name}.yml`), 'utf8')));

  it('runs the scenarios of a project and leaves what it hands to the pipeline', () => {
    // One scenario of a project's own, in a folder of its own.
    const out = join(scratch, name);
    mkdirSync(out);
    const words = command
      .replace('scenarios/*.yml', join(top, 'scenarios/switch-mode.yml'))
      .replaceAll(/(--out |=)([a-z])/g, `$1${out}/$2`);
    expect(type(words)).toEqual({ status: 0, stderr: '' });
    expect(readFileSync(join(out, 'isolation.xml'), 'utf8')).toContain('<testsuites');
    expect(existsSync(join(out, 'evidence', 'result.json'))).toBe(true);
  });
}

describe('contrib/ci/github.yml', () => describePipeline('github'));
describe('contrib/ci/gitlab.yml', { tags: 'all' }, () => describePipeline('gitlab'));
