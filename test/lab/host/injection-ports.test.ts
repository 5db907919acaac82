import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/core/model/plan.js';
import type { FdbState, HostState } from '../../../src/core/model/state.js';
import { makePlan } from '../../../src/core/plan/make-plan.js';
import { loadScenario } from '../../../src/core/scenario/load-scenario.js';
import { findHost } from '../../../src/system/fabric/host/find.js';
import { forgetInvented } from '../../../src/system/fabric/host/forget-invented.js';
import { type InjectionPortsInput, openInjectionPorts } from '../../../src/system/fabric/host/injection-ports.js';
import { inNamespace, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { writeSysctl } from '../../../src/system/kernel/sysctl.js';
import { takeRunLock } from '../../../src/system/fabric/host/run-lock.js';
import { readState } from '../../../src/system/state/read.js';
import { throwAwayHost } from '../../support/lab/throw-away-host.js';
import { refusalOf } from '../../support/refusal.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

const openFiles = (): number => readdirSync('/proc/self/fd').length;

describe('the injection ports that a run opens', needs(root), () => {
  const host = shared(throwAwayHost);
  afterEach(() => {
    rmSync(host.journal, { recursive: true, force: true });
    mkdirSync(host.journal, { mode: 0o700 });
  });
  const state = (): Promise<HostState> => readState({ netns: host.netns, sysfs: false, sysctl: [] });
  const input = async (more: Partial<InjectionPortsInput> = {}): Promise<InjectionPortsInput> => ({
    runId: 'abcdef0123',
    journalFolder: host.journal,
    netns: host.netns,
    state: await state(),
    readState: state,
    bridges: ['br0'],
    senders: new Set(['a']),
    endpoints: [{ name: 'a', attach: 'port', port: 'vnet0', netns: null }],
    ...more,
  });
  const way = 'viabcdef01-0';

  it('have the MTU of their port, speak no IPv6, and leave no descriptor open', async () => {
    writeSysctl(host.netns, 'net.ipv6.conf.default.disable_ipv6', '0');
    host.run('ip link set dev vnet0 mtu 1400');
    try {
      const before = openFiles();
      const ways = await openInjectionPorts(await input());
      expect(host.run(`ip -o link show dev ${way}`)).toContain('mtu 1400');
      expect(host.run(`sysctl -n net.ipv6.conf.${way}.disable_ipv6`).trim()).toBe('1');
      const near = ways.of('vnet0').netns ?? '';
      expect(existsSync(near)).toBe(true);
      expect(await ways.close()).toEqual([]);
      await expect.poll(openFiles, { timeout: 20_000 }).toBe(before);
    } finally {
      host.run('ip link set dev vnet0 mtu 1500');
      writeSysctl(host.netns, 'net.ipv6.conf.default.disable_ipv6', '1');
    }
  });

  it('are not made where a port went meanwhile, or is another of its name', async () => {
    const found = await input({ endpoints: [{ name: 'a', attach: 'port', port: 'spare', netns: null }] });
    const gone = /^interface-gone 69 "spare" went while the run began/;
    host.stop('spare');
    expect(await refusalOf(async () => openInjectionPorts(found))).toMatch(gone);
    expect(host.journals()).toEqual([]);
    host.come('spare', []);
  });

  it('are not made on a bridge whose index is locked', async () => {
    const { links } = await state();
    const ifindex = links.find(({ name }) => name === 'br0')?.ifindex ?? 0;
    const release = takeRunLock({ folder: host.journal, netns: host.netns, ifindex, what: 'this test' });
    expect(await refusalOf(async () => openInjectionPorts(await input()))).toMatch(
      /^locked 69 another run is on bridge br0/,
    );
    release();
    const ways = await openInjectionPorts(await input());
    expect(await ways.close()).toEqual([]);
  });

  it('are made whatever names a user without rights has taken, who cannot take the lock', async () => {
    const { links } = await state();
    const name = `verify-isolation/${links.find(({ name }) => name === 'br0')?.ifindex}`;
    const squatter = createServer();
    inNamespace(host.netns, () => squatter.listen(`\0${name}`));
    await once(squatter, 'listening');
    const ways = await openInjectionPorts(await input());
    const locks = readdirSync(host.journal).filter((file) => file.endsWith('.lock'));
    expect(locks).toHaveLength(1);
    const take = `exec 9<"${join(host.journal, locks[0] ?? '')}"`;
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c', take];
    expect(spawnSync('setpriv', nobody, { encoding: 'utf8' }).stderr).toContain('Permission denied');
    expect(await ways.close()).toEqual([]);
    expect(readdirSync(host.journal)).toEqual([]);
    squatter.close();
  });

  it('are named where something of their name is left, and the journal stays', async () => {
    const ways = await openInjectionPorts(await input());
    host.run(`ip link del dev ${way}`);
    host.run(`ip link add dev ${way} type veth peer name other-end`);
    expect(await ways.close()).toContain(`the interface ${way}`);
    expect(host.journals()).toEqual(['abcdef0123.journal']);
    host.run(`ip link del dev ${way}`);
  });

  it('leave nothing where one of them cannot be made', async () => {
    const found = await state();
    const ghosts = found.links
      .filter(({ name }) => name === 'vnet0')
      .map((link) => ({ ...link, name: 'ghost', ifindex: 4711 }));
    const before = openFiles();
    const given = await input({
      state: { ...found, links: [...found.links, ...ghosts] },
      endpoints: [{ name: 'a', attach: 'port', port: 'ghost', netns: null }],
    });
    const refused = await refusalOf(() => openInjectionPorts(given));
    expect(refused).toMatch(/^interface-gone 69 "ghost" went/);
    await expect.poll(openFiles, { timeout: 20_000 }).toBe(before);
    expect(host.run('ip -o link show')).not.toContain('viabcdef01');
    expect(host.journals()).toEqual([]);
  });

  it('are not looked for inside of what has no port, and a port that is gone is named', async () => {
    const space = newNamespace();
    const netns = `/proc/${process.pid}/fd/${space}`;
    const ways = await openInjectionPorts(
      await input({ endpoints: [{ name: 'a', attach: 'host', port: 'vnet0', netns }], senders: new Set() }),
    );
    expect(ways.inside.size).toBe(0);
    expect(await ways.close()).toEqual([]);
    const gone = await input({ endpoints: [{ name: 'a', attach: 'port', port: 'nowhere', netns }] });
    expect(await refusalOf(() => openInjectionPorts(gone))).toBe(
      `interface-gone 69 a: the other end of "nowhere" is not in the namespace ${netns}`,
    );
    closeSync(space);
  });

  it('are not the interface of another guest that has the number by chance', async () => {
    const { links } = await state();
    const peer = links.find(({ name }) => name === 'vnet0')?.peer;
    const space = newNamespace();
    const netns = `/proc/${process.pid}/fd/${space}`;
    const make = ['link', 'add', 'eth0', 'index', String(peer), 'type', 'veth', 'peer', 'name', 'eth1', 'index', '99'];
    inNamespace(netns, () => execFileSync('ip', make));
    const wrong = await input({ endpoints: [{ name: 'a', attach: 'port', port: 'vnet0', netns }] });
    expect(await refusalOf(() => openInjectionPorts(wrong))).toBe(
      `interface-gone 69 a: the other end of "vnet0" is not in the namespace ${netns}`,
    );
    closeSync(space);
  });

  describe('MACs that a run invented', () => {
    let plan: Plan;
    let invented: string;
    const nobody = async (): Promise<HostState> => {
      throw new Error('the state was read');
    };
    const planOf = async (probe: string): Promise<Plan> => {
      const steps = `  - { name: s, probe: { class: ${probe}, from: kali2, to: lan, count: 5 }, expect: unjudged }\n`;
      const file = host.scenario('invented', { steps, netns: true });
      const found = await findHost(loadScenario(file, readFileSync(file)), state);
      const { bridgeMacs, unobservable, inPlace } = found;
      return makePlan(found.scenario, { runTag: 1, keySha256: '00', bridgeMacs, unobservable, inPlace });
    };
    const learn = (mac: string, port: string): string =>
      host.run(`bridge fdb replace ${mac} dev ${port} master dynamic`);
    const forget = (mac: string, port: string): string => host.run(`bridge fdb del ${mac} dev ${port} master`);
    const isKnown = (mac: string): boolean => host.run('bridge fdb show br br0').includes(mac);
    beforeAll(async () => {
      plan = await planOf('mac-spoof');
      const macs = plan.steps.flatMap(({ flows }) => flows.map(({ frame }) => frame.srcMac));
      invented = macs.find((mac) => mac !== '52:54:00:85:20:d1') ?? '';
    });

    it('need no look where there are none', async () => {
      await forgetInvented(await planOf('known-unicast'), await state(), nobody, host.netns);
    });

    it('stay where they were there before', async () => {
      learn(invented, 'vnet0');
      await forgetInvented(plan, await state(), state, host.netns);
      expect(isKnown(invented)).toBe(true);
      forget(invented, 'vnet0');
    });

    it('are taken away, and what ports of others learned meanwhile is not', async () => {
      const before = await state();
      learn(invented, 'vnet0');
      learn('02:00:00:00:00:56', 'vnet4');
      await forgetInvented(plan, before, state, host.netns);
      expect([isKnown(invented), isKnown('02:00:00:00:00:56')]).toEqual([false, true]);
      forget('02:00:00:00:00:56', 'vnet4');
    });

    it('are asked for three times where they cannot be taken away, then left to age', async () => {
      const before = await state();
      learn(invented, 'vnet0');
      let looks = 0;
      // an entry of another VLAN than the one that is there
      const elsewhere = async (): Promise<HostState> => {
        looks += 1;
        const now = await state();
        return {
          ...now,
          fdb: now.fdb.map((entry): FdbState => (entry.mac === invented ? { ...entry, vlan: 7 } : entry)),
        };
      };
      await forgetInvented(plan, before, elsewhere, host.netns);
      expect([looks, isKnown(invented)]).toEqual([3, true]);
      forget(invented, 'vnet0');
    });
  });
});
