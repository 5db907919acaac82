import type { ChildProcess } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';
import { type Outcome, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';

const changing = (set: string, count = 5000): string =>
  `  - { name: changed, set: { vnet4: { ${set} } }, probe: { class: known-unicast, from: kali2, to: lan, count: ${count} }, expect: private }\n`;
const args = ['--yes', '--allow-changes', '--verbose'];

describe('what a run on a host has changed', needs(root), () => {
  const host = shared(throwAwayHost);
  beforeEach(() => {
    rmSync(host.journal, { recursive: true, force: true });
    mkdirSync(host.journal, { mode: 0o700 });
  });

  /** Replaces vnet4 by another interface of that name, as a manager does for the next guest. */
  const anotherGuest = (...settings: readonly string[]): void => {
    host.run('ip link del dev vnet4');
    host.run('ip link add dev vnet4 type veth peer name other4');
    host.run('ip link set dev other4 address 52:54:00:27:4e:0a up');
    host.run('ip link set dev vnet4 master br0 up');
    host.run(['ip', 'link', 'set', 'dev', 'vnet4', 'type', 'bridge_slave', ...settings]);
    host.run('bridge fdb replace 52:54:00:27:4e:0a dev vnet4 master dynamic');
  };
  const vnet4 = (): string => host.run('ip -d link show dev vnet4');
  const probing = async (name: string, set: string): Promise<ChildProcess> => {
    const child = host.cli([
      'run',
      host.scenario(name, { steps: changing(set), head: 'allow_changes: true\n' }),
      ...args,
    ]);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (chunk) => (/: probing, \d/.test((said += String(chunk))) ? resolve() : undefined));
      child.once('close', () => reject(new Error(said)));
    });
    return child;
  };
  const killed = async (name: string, set: string): Promise<void> => {
    const child = await probing(name, set);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  };
  const cleanup = (): Promise<Outcome> => outcomeOf(host.cli(['cleanup']));

  it('is not undone on another guest that has got the name since, whatever its settings are', {
    tags: 'all',
  }, async () => {
    await killed('renamed', 'flood: off, isolated: on');
    expect(vnet4()).toMatch(/flood off[^]*isolated on/);
    anotherGuest('isolated', 'on', 'flood', 'off'); // as its owner wants it
    const { status, stdout } = await cleanup();
    expect(vnet4()).toMatch(/flood off[^]*isolated on/);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/was killed: 0 changes undone, nothing is left of it/)]);
    expect(host.journals()).toEqual([]);
  });

  it('is not undone where somebody else has set it since, and that is said', { tags: 'all' }, async () => {
    await killed('set-again', 'mtu: 1400, flood: off');
    host.run('ip link set dev vnet4 mtu 1300');
    const { status, stdout } = await cleanup();
    expect(vnet4()).toMatch(/mtu 1300[^]*flood on/);
    expect([status, stdout]).toEqual([
      3,
      expect.stringContaining('mtu of vnet4 is 1300, not what the run had set (1400): left as it is'),
    ]);
    // What was left is somebody else's: no later run may take it for its own.
    expect(host.journals()).toEqual([]);
    expect((await cleanup()).stdout).toContain('nothing to clean up');
    host.run('ip link set dev vnet4 mtu 1500');
  });

  it('leaves no journal behind where its guest stops in the middle of the run', async () => {
    const child = await probing('stopped', 'flood: off');
    const ended = outcomeOf(child);
    anotherGuest('flood', 'off');
    child.kill('SIGINT');
    await ended;
    expect(host.journals()).toEqual([]);
    expect(vnet4()).toContain('flood off');
    host.run('ip link set dev vnet4 type bridge_slave flood on');
  });

  it('is not undone while the run goes on, by a container that does not see its process', { tags: 'all' }, async () => {
    const child = await probing('live', 'flood: off');
    const inside = await outcomeOf(host.cli(['cleanup'], true, ['unshare', '--pid', '--fork', '--mount-proc']));
    expect(vnet4()).toContain('flood off');
    expect([inside.status, inside.stdout]).toEqual([0, expect.stringContaining('nothing to clean up')]);
    child.kill('SIGINT');
    await outcomeOf(child);
    expect(vnet4()).toContain('flood on');
  });

  /** As version 0.1 wrote them: a command, which a file of anybody's could be. */
  const commandLines = (mark: string): string =>
    [
      { runId: '0123456789abcdef', pid: 1, started: '1', netns: null, inode: statSync(host.netns).ino },
      { command: ['sh', '-c', `touch ${mark}`], gone: true },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join('');

  it.each([
    ['root', 0],
    ['another user', 1000],
  ])('is never a command line out of a file: one of %s', { tags: 'all' }, async (_whose, uid) => {
    const [file, mark] = [join(host.journal, '0123456789abcdef.journal'), join(host.dir, `mark-${uid}`)];
    writeFileSync(file, commandLines(mark), { mode: 0o600 });
    chownSync(file, uid, uid);
    const { status, stdout } = await cleanup();
    expect(readdirSync(host.dir)).not.toContain(`mark-${uid}`);
    expect([status, stdout]).toEqual([3, expect.stringContaining(`/run/verify-isolation/0123456789abcdef.journal`)]);
    expect(host.journals()).toEqual(['0123456789abcdef.journal']);
    // Nor by the next run, one that sends nothing included; which goes on.
    const scenario = host.scenario('rehearsed', { steps: changing('flood: off', 5), head: 'allow_changes: true\n' });
    const next = await outcomeOf(host.cli(['run', scenario, ...args, '--dry-run']));
    expect(readdirSync(host.dir)).not.toContain(`mark-${uid}`);
    expect([next.status, next.stderr]).toEqual([0, expect.stringContaining('0123456789abcdef.journal')]);
  });

  it('is found among whatever else lies there, each told by its name, without a hang', { tags: 'all' }, async () => {
    await killed('among', 'flood: off');
    const at = (name: string): string => join(host.journal, name);
    host.run(`mkfifo -m 600 ${at('a-fifo.journal')}`);
    mkdirSync(at('a-folder.journal'));
    writeFileSync(at('a-torn.journal'), '{"journal":2,"runId":"01', { mode: 0o600 });
    writeFileSync(at('a-large.journal'), Buffer.alloc(64 << 20), { mode: 0o600 });
    symlinkSync('/etc/shadow', at('a-link.journal'));
    const { status, stdout } = await outcomeOf(host.cli(['cleanup'], true, ['timeout', '20']));
    expect(status, stdout).toBe(3);
    for (const name of ['fifo', 'folder', 'torn', 'large', 'link']) expect(stdout).toContain(`a-${name}.journal`);
    expect(stdout).toMatch(/was killed: \d+ changes? undone, nothing is left of it/);
    expect(vnet4()).toContain('flood on');
    expect(host.journals()).toHaveLength(5);
  });

  it('is looked for in one place: the variable that named another is refused', async () => {
    const { status, stderr } = await outcomeOf(
      host.cli(['cleanup'], true, ['env', `VERIFY_ISOLATION_JOURNAL=${host.journal}`]),
    );
    expect([status, stderr]).toEqual([64, expect.stringContaining('VERIFY_ISOLATION_JOURNAL')]);
  });

  it("is written nowhere where the folder is another user's", { tags: 'all', timeout: patient(300_000) }, async () => {
    chownSync(host.journal, 1000, 1000);
    const before = host.shape();
    const scenario = host.scenario('nowhere', { steps: changing('flood: off', 5), head: 'allow_changes: true\n' });
    const run = await outcomeOf(host.cli(['run', scenario, ...args]));
    expect([run.status, run.stderr]).toEqual([69, expect.stringContaining('/run/verify-isolation')]);
    expect(host.shape()).toBe(before);
  });

  it('is not made where the disk is full, and the run says so', { tags: 'all' }, async () => {
    const full = [
      'sh',
      '-c',
      'mount -t tmpfs -o size=4k,mode=700 tmpfs /run/verify-isolation && head -c 4096 /dev/zero > /run/verify-isolation/filler; exec "$@"',
      'x',
    ];
    const before = host.shape();
    const scenario = host.scenario('full', { steps: changing('flood: off', 5), head: 'allow_changes: true\n' });
    const run = await outcomeOf(host.cli(['run', scenario, ...args], true, full));
    expect([run.status, run.stderr]).toEqual([69, expect.stringMatching(/journal cannot be written.*no space/i)]);
    expect(host.shape()).toBe(before);
  });
});
