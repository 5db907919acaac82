import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs, root } from '../../support/needs.js';

const built = (name: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../../build/system/${name}.js`, import.meta.url)));

/** What root without CAP_KILL, CAP_DAC_READ_SEARCH and CAP_DAC_OVERRIDE comes to with a process of another user. */
const program = `
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import { libc, koffi } from ${built('kernel/libc')};
import { descriptorsOf } from ${built('kernel/proc-files')};
import { asFileUser, asUser } from ${built('kernel/thread-user')};
import { killChild } from ${built('process/identity')};
const prctl = koffi().load(null).func('int prctl(int, unsigned long)');
const field = (name) => new RegExp('^' + name + ':\\\\s*(.*)$', 'm').exec(readFileSync('/proc/thread-self/status', 'utf8'))[1].replaceAll('\\t', ' ');
const codeOf = (fn) => { try { fn(); return 'done'; } catch (error) { return error.code ?? error.message; } };
const deathSignal = () => { const signal = new Uint32Array(1); prctl(2, Number(koffi().address(signal))); return signal[0]; };
const state = () => [field('Uid'), field('CapEff') === field('CapPrm'), prctl(3, 0), deathSignal()];
prctl(1, 12);
const stranger = process.argv[1];
const before = state();
const plain = codeOf(() => readdirSync('/proc/' + stranger + '/fd'));
const held = descriptorsOf(stranger).some((target) => target.startsWith('socket:['));
const child = spawn('setpriv', ['--reuid=4321', '--regid=4321', '--clear-groups', '--', 'sh', '-c', 'echo; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
await new Promise((resolve) => child.stdout.once('data', resolve));
const refused = codeOf(() => process.kill(child.pid, 'SIGKILL'));
const notIts = codeOf(() => killChild(child, { uid: 4322, gid: 4322 }));
killChild(child, { uid: 4321, gid: 4321 });
const signal = await new Promise((resolve) => child.once('exit', (_code, by) => resolve(by)));
killChild(child, { uid: 4321, gid: 4321 });
const inside = [asUser(4321, () => field('Uid')), asFileUser(4321, () => field('Uid')), codeOf(() => asUser(4321, () => { throw new Error('within'); }))];
process.stdout.write(JSON.stringify({ before, plain, held, refused, notIts, signal, inside, after: state() }));
`;

describe('root that lacks CAP_KILL and CAP_DAC_READ_SEARCH', needs(root), () => {
  let stranger: ChildProcess;
  beforeEach(async () => {
    const held = ['sh', '-c', 'echo; exec sleep 60']; // its stdin, from Node, is a socket
    stranger = spawn('setpriv', ['--reuid=4321', '--regid=4321', '--clear-groups', '--', ...held], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (stranger.stdout !== null) await once(stranger.stdout, 'data');
  });
  afterEach(() => stranger.kill('SIGKILL'));

  it('sees what another user’s process holds and ends one, as that user, and is who it was afterwards', () => {
    const less = '-kill,-dac_read_search,-dac_override';
    const said = execFileSync(
      'setpriv',
      [
        ...[`--bounding-set=${less}`, `--inh-caps=${less}`, '--no-new-privs', '--'],
        ...[process.execPath, '--input-type=module', '--eval', program, String(stranger.pid)],
      ],
      { encoding: 'utf8' },
    );
    const before = ['0 0 0 0', true, 1, 12];
    expect(JSON.parse(said)).toEqual({
      before,
      plain: 'EACCES',
      held: true,
      refused: 'EPERM',
      notIts: 'EPERM',
      signal: 'SIGKILL',
      inside: ['0 4321 0 4321', '0 0 0 4321', 'within'],
      after: before,
    });
  });
});
