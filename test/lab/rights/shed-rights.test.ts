import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { needs, root, readable } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';
import { outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';

const steps = (count: number): string =>
  `  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, count: ${count} }, expect: private }\n`;
/** Of linux/capability.h. */
const CAP = { CHOWN: 0, DAC_OVERRIDE: 1, KILL: 5, NET_ADMIN: 12, SYS_MODULE: 16, SYS_RAWIO: 17, SYS_BOOT: 22 };

/** What the run may do while it probes, and how it ends. */
async function rightsOf(child: ChildProcess): Promise<{
  readonly has: (capability: number) => boolean;
  readonly noNewPrivs: string | undefined;
  readonly status: number | null;
}> {
  const outcome = outcomeOf(child);
  await new Promise<void>((resolve) =>
    child.stderr?.on('data', (chunk) => (/: probing, \d/.test(String(chunk)) ? resolve() : undefined)),
  );
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
  const field = (name: string): string | undefined => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  const capabilities = BigInt(`0x${field('CapBnd') ?? '0'}`) | BigInt(`0x${field('CapEff') ?? '0'}`);
  return {
    has: (capability) => ((capabilities >> BigInt(capability)) & 1n) === 1n,
    noNewPrivs: field('NoNewPrivs'),
    status: (await outcome).status,
  };
}

describe('root’s run on a host', needs(root), () => {
  const host = shared(throwAwayHost);

  it('has given up what it does not take, for itself and all that it starts', async () => {
    const file = host.scenario('shed', { steps: steps(2000) });
    const seen = await rightsOf(host.cli(['run', file, '--yes', '--verbose']));
    const { CHOWN, DAC_OVERRIDE, KILL, NET_ADMIN, SYS_MODULE, SYS_RAWIO, SYS_BOOT } = CAP;
    expect([NET_ADMIN, CHOWN, DAC_OVERRIDE, KILL, SYS_MODULE, SYS_RAWIO, SYS_BOOT].filter(seen.has)).toEqual([
      NET_ADMIN,
    ]);
    expect([seen.noNewPrivs, seen.status]).toEqual(['1', 0]);
  });

  const five = '+net_admin,+net_raw,+sys_admin,+sys_ptrace,+setpcap';

  // again where a test beside it traces: without CAP_SYSLOG the functions of that trace's programs have no names
  it('comes to its verdict with five capabilities, and names the cost: helpers keep uid 0, which a strict run refuses', {
    tags: 'all',
    retry: 5,
  }, async () => {
    const file = host.scenario('five', { steps: steps(20) });
    const through = ['setpriv', `--bounding-set=-all,${five}`, '--inh-caps=-all', '--'];
    const words = ['run', file, '--yes', '--json'];
    const { status, stdout } = await outcomeOf(host.cli(words, true, through));
    const { verdict, precheck }: Result = JSON.parse(stdout);
    const costs = (precheck ?? []).flatMap(({ code, text }) => (code === 'rights' ? [text] : []));
    expect({ status, verdict, costs }).toEqual({
      status: 0,
      verdict: 'holds',
      costs: expect.arrayContaining([expect.stringContaining('helpers keep uid 0')]),
    });
    const strict = await outcomeOf(host.cli([...words, '--strict'], true, through));
    expect([strict.status, strict.stderr]).toEqual([69, expect.stringContaining('CAP_SETUID is missing')]);
  });

  it('in a pid namespace of its own names what it cannot see, and holds unless a packet socket has no process there', async () => {
    const file = host.scenario('apart', { steps: steps(20) });
    const through = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const judged = async (): Promise<readonly unknown[]> => {
      const { status, stdout } = await outcomeOf(host.cli(['run', file, '--yes', '--json'], true, through));
      const { precheck, steps: [step] = [] }: Result = JSON.parse(stdout);
      const isNoted = precheck?.some(({ code }) => code === 'processes-unseen');
      return [status, isNoted, step?.reasons.map(({ code, text }) => `${code}: ${text}`)];
    };
    expect(await judged()).toEqual([0, true, []]);
    const sniff = 'import socket; s = socket.socket(17, 3, 0x300); print("on", flush=True); s.recv(1); input()';
    const outside = spawn('nsenter', [`--net=${host.netns}`, 'python3', '-c', sniff], { stdio: 'pipe' });
    try {
      await once(outside.stdout, 'data');
      const unseen = expect.stringMatching(/^bypass-possible: packet socket of a process that cannot be seen/);
      expect(await judged()).toEqual([3, true, expect.arrayContaining([unseen])]);
    } finally {
      outside.kill('SIGKILL');
    }
  });

  it(
    'takes uid 0, for its journal: ambient capabilities of another user are refused before anything is sent',
    needs(readable),
    async () => {
      const file = host.scenario('ambient', { steps: steps(20) });
      const user = ['--reuid=4321', '--regid=4321', '--clear-groups'];
      const through = ['setpriv', ...user, `--inh-caps=-all,${five}`, `--ambient-caps=-all,${five}`, '--'];
      chmodSync(host.dir, 0o755);
      const { status, stderr } = await outcomeOf(host.cli(['run', file, '--yes'], true, through));
      expect([status, stderr]).toEqual([69, expect.stringContaining('takes root')]);
    },
  );

  it('writes a report and evidence into folders of others, as it was asked to', { tags: 'all' }, async () => {
    const folder = join(host.dir, 'of-somebody');
    mkdirSync(folder, { mode: 0o755 });
    chownSync(folder, 4321, 4321);
    const [out, report] = [join(folder, 'new', 'evidence'), join(folder, 'isolation.prom')];
    const file = host.scenario('others', { steps: steps(200) });
    const words = ['run', file, '--yes', '--verbose', '--out', out, '--reporter', `prometheus=${report}`];
    const seen = await rightsOf(host.cli(words));
    expect([seen.has(CAP.DAC_OVERRIDE), seen.has(CAP.CHOWN), seen.status]).toEqual([true, false, 0]);
    expect(readFileSync(report, 'utf8')).toContain('verify_isolation_');
    expect(lstatSync(join(out, 'result.json'))).toMatchObject({ uid: 0, mode: 0o100600 });
  });
});
