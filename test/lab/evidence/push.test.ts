import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { checkSummary, readSummary } from '../../../src/system/evidence/push.js';
import { type Outcome, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, program, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';
import { patient } from '../../support/patient.js';

const steps = `  - name: nobody overhears
    probe: [ { class: known-unicast, from: kali2, to: lan, count: 5 } ]
    expect: private
`;
/** Answers 503 once; then keeps what is put below a folder. */
const receiver = `const { createServer } = require('node:http'); const { writeFileSync } = require('node:fs'); let puts = 0;
createServer((request, response) => { let body = ''; request.on('data', (part) => (body += part)); request.on('end', () => {
  puts += 1; if (puts > 1) writeFileSync(process.argv[1] + request.url, body); response.writeHead(puts > 1 ? 201 : 503).end(); }); })
  .listen(8099, '127.0.0.1', () => writeFileSync(process.argv[1] + '/listens', ''));`;
describe('run --push on a host', needs(root, program('ssh-keygen')), () => {
  const host = shared(throwAwayHost);
  beforeAll(() => {
    host.run('ip link set dev lo up');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(host.dir, 'key')]);
  });

  const run = (out: string, ...more: readonly string[]): Promise<Outcome> =>
    outcomeOf(
      host.cli([
        'run',
        host.scenario('private', { steps, head: 'scope: { partial: a port is spare }\n' }),
        '--yes',
        '--quiet',
        '--json',
        ...['--out', join(host.dir, out), '--sign', join(host.dir, 'key'), ...more],
      ]),
    );
  const push = ['--push', 'http://127.0.0.1:8099/', '--spool', 'waiting'];

  it('keeps verdict and exit status where no receiver listens, and delivers with the next run that finds one', async () => {
    const lonely = await run('first', ...push);
    expect([lonely.status, JSON.parse(lonely.stdout)]).toEqual([0, expect.objectContaining({ verdict: 'holds' })]);
    expect(lonely.stderr).toMatch(/http:\/\/127\.0\.0\.1:8099: connect ECONNREFUSED.*1 summary stays in waiting/);
    expect(readdirSync(join(host.dir, 'waiting'))).toHaveLength(1);
    const got = join(host.dir, 'got');
    execFileSync('mkdir', [got]);
    const listening = spawn('nsenter', [`--net=${host.netns}`, process.execPath, '-e', receiver, got]);
    try {
      await vi.waitUntil(() => existsSync(join(got, 'listens')), { timeout: patient(10_000) });
      const { status, stderr } = await run('second', ...push);
      expect([status, stderr.split('\n').filter((line) => /summary|spool/.test(line))]).toEqual([0, []]);
    } finally {
      listening.kill();
    }
    expect(readdirSync(join(host.dir, 'waiting'))).toEqual([]);
    const names = readdirSync(got).filter((name) => name.endsWith('.summary'));
    expect(names).toHaveLength(2);
    const signers = join(host.dir, 'signers');
    const last = join(got, names.sort()[1] ?? '');
    const { summary } = readSummary(last);
    writeFileSync(signers, `${summary.host} ${readFileSync(join(host.dir, 'key.pub'), 'utf8')}`);
    const signature = await checkSummary(last, { file: signers, identity: summary.host });
    expect([signature.state, summary.exitCode, summary.runs[0]?.dir]).toEqual(['trusted', 0, join(host.dir, 'second')]);
  });

  it('a run that is refused is reported too', async () => {
    const refused = await run('refused', '--spool', 'refusals', '--approved', '0'.repeat(64));
    expect(refused.status).toBe(64);
    const names = readdirSync(join(host.dir, 'refusals'));
    const { summary } = readSummary(join(host.dir, 'refusals', names[0] ?? ''));
    expect([names.length, summary.exitCode, summary.runs, summary.unended]).toEqual([1, 64, [], 1]);
    // The next run of the same file replaces it
    const later = await run('later', '--spool', 'refusals');
    const asked = readdirSync(join(host.dir, 'refusals')).map(
      (name) => readSummary(join(host.dir, 'refusals', name)).summary.asked,
    );
    expect([later.status, asked]).toEqual([0, [summary.asked, summary.asked]]);
    expect(summary.asked).toMatch(/^[0-9a-f]{64}$/);
  });
});
