import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync, chmodSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needs, program } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const cli = resolve(import.meta.dirname, '../../../dist/cli.cjs');
const scratch = scratchFolder('completion');

// The program as it is installed: by its name, on the path.
const bin = join(scratch, 'bin');
mkdirSync(bin);
writeFileSync(join(bin, 'verify-isolation'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`);
chmodSync(join(bin, 'verify-isolation'), 0o755);

/** What a shell makes of a script of its own. */
function inShell(shell: string, script: string): string {
  const { status, stdout, stderr } = spawnSync(shell, ['-c', script], {
    encoding: 'utf8',
    cwd: scratch,
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: scratch, SHELL: `/bin/${shell}`, LC_ALL: 'C.UTF-8' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** Words after `verify-isolation` that bash offers for the last one. */
const bash = (...words: readonly string[]): readonly string[] =>
  inShell(
    'bash',
    `
  eval "$(verify-isolation completion)"
  COMP_WORDS=(verify-isolation ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; COMP_LINE="verify-isolation ${words.join(' ')}"; COMP_POINT=\${#COMP_LINE}
  $(complete -p verify-isolation | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p')
  printf '%s\\n' "\${COMPREPLY[@]}"`,
  ).split('\n');

/** The same for zsh: the words that its function hands to _describe. */
const zsh = (...words: readonly string[]): readonly string[] =>
  inShell(
    'zsh',
    `
  autoload -Uz compinit && compinit -u -d "$HOME/dump"
  eval "$(verify-isolation completion)"
  function _describe { print -rl -- "\${(@P)2}" }
  function _default { print default }
  words=(verify-isolation ${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length + 1}; BUFFER="verify-isolation ${words.join(' ')}"; CURSOR=\${#BUFFER}
  \${_comps[verify-isolation]}`,
  )
    .split('\n')
    .map((line) => line.replaceAll('\\', '').split(':')[0] ?? '');

describe.each([
  ['bash', bash],
  ['zsh', zsh],
] as const)('completion in %s', (shell, complete) => {
  it('offers commands, and those that begin as typed', needs(program(shell)), () => {
    expect(complete('')).toEqual(expect.arrayContaining(['run', 'replay', 'explain', 'doctor']));
    expect(complete('ex')).toEqual(expect.arrayContaining(['explain', 'export']));
    // zsh is given every command and itself shows those that begin as typed.
    if (shell === 'bash') expect(complete('ex')).not.toContain('run');
  });

  it('offers the options of a command', needs(program(shell)), () => {
    expect(complete('run', '--ba')).toContain('--baseline');
    // Help lists it only with --all.
    expect(complete('run', '--lin')).toContain('--linger');
  });
});
