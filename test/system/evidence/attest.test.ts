import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, check, cli } from '../../support/call.js';
import { smallRun } from '../../support/lab/small-run.js';
import { needs, program } from '../../support/needs.js';

let run = { scratch: '', dir: '' };
beforeAll(() => {
  run = smallRun();
});
afterAll(() => rmSync(run.scratch, { recursive: true, force: true }));

function copy(name: string): string {
  const to = join(run.scratch, name);
  cpSync(run.dir, to, { recursive: true });
  return to;
}

describe('attest', needs(program('ssh-keygen')), () => {
  it('signs with an OpenSSH key, and only that signer over only these files is trusted', () => {
    const dir = copy('signed');
    const key = join(run.scratch, 'key');
    expect(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]).status).toBe(0);
    const signers = join(run.scratch, 'signers');
    writeFileSync(signers, `operator@example.org ${readFileSync(`${key}.pub`, 'utf8')}`);
    const who = (identity: string) => check(dir, '--allowed-signers', signers, '--identity', identity);
    expect(who('operator@example.org')).toMatchObject({ status: 3, none: ['custody'], wrong: ['signature'] });
    expect(call('attest', dir, '--key', key, '--as', 'operator@example.org').status).toBe(0);
    expect(who('operator@example.org')).toMatchObject({ status: 0, wrong: [], none: [], told: { whole: true } });
    expect(who('somebody@example.org')).toMatchObject({ status: 3, wrong: ['signature'] });
    expect(check(dir, '--require-signature').status).toBe(0);
    const [log, sums] = ['custody.ndjson', 'SHA256SUMS'].map((name) => join(dir, name));
    const signed = readFileSync(log ?? '', 'utf8');
    // what was done, by whom and when is signed as well
    writeFileSync(log ?? '', signed.replace(/"uid":\d+/, '"uid":4711'));
    expect(who('operator@example.org')).toMatchObject({ status: 3, wrong: ['signature'] });
    rmSync(log ?? '');
    expect(who('operator@example.org')).toMatchObject({ status: 3, wrong: ['signature'] });
    writeFileSync(log ?? '', signed);
    appendFileSync(sums ?? '', '\n');
    expect(who('operator@example.org')).toMatchObject({ status: 3, wrong: ['custody', 'signature'] });
  });

  it('is done by the run itself where it is given a key, and a key that does not sign is told', () => {
    const key = join(run.scratch, 'own-key');
    expect(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]).status).toBe(0);
    const [dir, unsigned] = [join(run.scratch, 'signed-run'), join(run.scratch, 'unsigned-run')];
    const file = join(run.scratch, 'hub.yml');
    expect(call('run', file, '--out', dir, '--sign', key)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^signed [0-9a-f]{64}$/m) as string,
    });
    expect(check(dir, '--require-signature')).toMatchObject({ status: 0, none: [], wrong: [] });
    expect(call('run', file, '--out', unsigned, '--quiet', '--sign', join(run.scratch, 'no-key'))).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('no-key') as string,
    });
    expect(existsSync(unsigned)).toBe(false);
    // One that signs at the beginning, and at the end no more
    const once = `#!/bin/sh\n[ ! -e '${key}.used' ] || { echo agent is gone >&2; exit 1; }\ntouch '${key}.used'\nPATH="\${PATH#*:}" exec ssh-keygen "$@"\n`;
    mkdirSync(`${key}.bin`);
    writeFileSync(join(`${key}.bin`, 'ssh-keygen'), once, { mode: 0o755 });
    const env = { ...process.env, PATH: `${key}.bin:${process.env['PATH']}` };
    const words = ['run', file, '--out', unsigned, '--quiet', '--sign', key];
    expect(spawnSync(process.execPath, [cli, ...words], { env, encoding: 'utf8' })).toMatchObject({
      status: 69,
      stderr: expect.stringContaining('is not signed') as string,
    });
    expect(check(unsigned).status).toBe(0);
  });

  it('does not sign what is not whole', () => {
    const dir = copy('not-whole');
    appendFileSync(join(dir, 'plan.json'), ' ');
    expect(call('attest', dir, '--key', join(run.scratch, 'key'))).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('plan.json was changed') as string,
    });
  });
});
