import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/core/model/plan.js';
import { answerVariant, type Result } from '../../../src/core/model/result.js';
import type { HostState } from '../../../src/core/model/state.js';
import { bridgeSettings, portSettings } from '../../../src/core/bridge/attributes.js';
import { defaultsOf } from '../../support/discover/twin-fixture.js';
import { lacking } from '../../support/lab/features.js';
import {
  guests,
  outcomeOf,
  throwAwayHost,
  type Outcome,
  type ThrowAwayHost,
} from '../../support/lab/throw-away-host.js';
import { wholeHost } from '../../support/lab/whole-host.js';
import { patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';

/** A port of which every letter is a trap for a shell. */
const hostile = "$(id);'x";

/**
 * Who overheard what between two ports, by interface: names are whoever's that wrote the scenario. Nobody in a twin
 * answers.
 */
function overheard(result: Result, ports: ReadonlyMap<string, string>): readonly string[] {
  const port = (name: string | null): string => ports.get(name ?? '') ?? name ?? '';
  const [step] = result.steps.filter(({ findings }) => findings.some((row) => row.class === 'known-unicast'));
  const rows = (step?.findings ?? []).filter(
    (row) =>
      row.class === 'known-unicast' && row.allowed === 'no' && row.observer !== 'host' && row.variant !== answerVariant,
  );
  return [
    ...new Set(
      rows.map(
        (row) =>
          `${row.carrier} ${port(row.from)}→${port(row.to)} at ${port(row.observer)}: ${row.seen === row.sent ? 'all' : row.seen}`,
      ),
    ),
  ].sort();
}

/** Kernels without the family have no such table to leave out. */
const hasInet = lacking("nft's family inet") === null;

describe('the twin of a live bridge', needs(root), () => {
  let host: ThrowAwayHost;
  let out = '';
  let before = '';
  let run: Outcome;
  beforeAll(async () => {
    host = throwAwayHost();
    out = join(host.dir, 'twin');
    host.run('ip link set dev spare down');
    host.run(`ip link set dev spare name ${hostile}`);
    host.run(`ip link set dev ${hostile} up`);
    host.run('ip link set dev br0 type bridge ageing_time 0 group_fwd_mask 0x4000');
    host.run('ip link set dev vnet4 type bridge_slave flood off isolated on');
    host.run('ip address add 192.168.0.19/24 dev br0');
    // The bridge has forgotten everybody: what was written down by hand stays.
    host.run(`bridge fdb replace ${guests.kali3.mac} dev vnet4 master static sticky`);
    host.run([
      'nft',
      'add table bridge guard; add chain bridge guard f { type filter hook forward priority 0; }; add rule bridge guard f iifname "vnet4" oifname "uplink" counter drop',
    ]);
    if (hasInet)
      host.run(['nft', 'add table inet elsewhere; add chain inet elsewhere c; add rule inet elsewhere c drop']);
    for (const [from, to] of [
      [hostile, 'vnet4'],
      ['vnet0', 'lo'],
    ] as const) {
      host.run(`tc qdisc add dev ${from} clsact`);
      host.run(
        `tc filter add dev ${from} egress protocol all prio 7 u32 match u32 0 0 action mirred egress mirror dev ${to}`,
      );
    }
    before = host.shape();
    run = await outcomeOf(
      host.cli([
        'run',
        '--twin',
        '--bridge',
        'br0',
        '--class',
        'known-unicast',
        '--class',
        'mac-steal',
        '--what-if',
        `${hostile}.flood=off`,
        '--what-if=br0.ageing_time=30s',
        '--out',
        out,
      ]),
    );
  }, patient(300_000));
  afterAll(() => host.close());

  const folder = (what: string): string =>
    join(out, 'evidence', readdirSync(join(out, 'evidence')).find((name) => name.startsWith(what)) ?? '');
  const read = (dir: string, file: string): unknown => JSON.parse(readFileSync(join(dir, file), 'utf8'));

  it('leaves the live bridge as it was', () => {
    expect(host.shape()).toBe(before);
    expect(host.journals()).toEqual([]);
  });

  it(
    'is told to leak as the live bridge does',
    async () => {
      const twin = folder('twin-br0-2');
      const plan = read(twin, 'plan.json') as Plan;
      const ports = new Map(plan.endpoints.map(({ name, port }) => [name, port ?? name]));
      const [from, to] = ['vnet0', 'vnet4'].map(
        (port) => [...ports].find(([, portOfTwin]) => portOfTwin === port)?.[0],
      );
      const steps =
        '  - { name: private, probe: { class: known-unicast, from: kali2, to: kali3, both_ways: true, count: 30 }, expect: private }\n';
      const live = await outcomeOf(
        host.cli([
          'run',
          host.scenario('live', { steps }),
          '--yes',
          '--json',
          '--quiet',
          '--out',
          join(host.dir, 'live'),
        ]),
      );
      const liveResult = JSON.parse(live.stdout) as Result;
      const livePorts = new Map(
        (read(join(host.dir, 'live'), 'plan.json') as Plan).endpoints.map(({ name, port }) => [name, port ?? name]),
      );
      const twinResult = read(twin, 'result.json') as Result;
      const known = twinResult.steps.find(({ findings }) =>
        findings.some((row) => row.class === 'known-unicast' && row.from === from && row.to === to),
      );
      expect(known?.verdict).toBe(liveResult.steps[0]?.verdict);
      // in the twin the mirror is heard to leak, which decides; on the live bridge it carries none of these probes
      expect(known?.reasons).toEqual([]);
      expect(liveResult.steps[0]?.reasons.map(({ code }) => code)).toEqual(['bypass-possible']);
      expect(known?.verdict).toBe('broken');
      expect(overheard(liveResult, livePorts)).toContain(`raw vnet4→vnet0 at ${hostile}: all`);
      expect(overheard(liveResult, livePorts)).toContain('raw vnet4→vnet0 at uplink: 0'); // by the rule of nft
      expect(overheard(twinResult, ports)).toEqual(overheard(liveResult, livePorts));
    },
    patient(300_000),
  );

  it('has its settings, entries, rules and filters', () => {
    const { links, fdb, nft, tc } = read(folder('twin-br0-2'), 'state/2-before.json') as HostState;
    const link = (name: string): HostState['links'][number] | undefined => links.find((link) => link.name === name);
    expect(link('br0')?.bridge).toMatchObject({ ageing_time: 0, group_fwd_mask: '0x4000' });
    expect(link('vnet4')?.port).toMatchObject({ flood: false, isolated: true });
    expect(link('vnet0')?.port).toMatchObject({ flood: true, isolated: false });
    expect(link(hostile)?.port).toMatchObject({ flood: true });
    expect(fdb.find(({ mac, master }) => mac === guests.kali3.mac && master === 'br0')).toMatchObject({
      port: 'vnet4',
      state: 'static',
      flags: ['sticky'],
    });
    expect(fdb.filter(({ master, state }) => master === 'br0' && state === 'static')).toHaveLength(1);
    expect(JSON.stringify(nft)).toContain('"guard"');
    expect(JSON.stringify(nft)).not.toContain('elsewhere');
    expect(Object.keys((tc as { readonly filters: object }).filters)).toContain(`${hostile} egress`);
    expect(JSON.stringify(tc)).toContain('"to_dev":"vnet4"');
  });

  it('lists what it has not, on the screen and at the head of its file', () => {
    const file = readFileSync(join(out, 'scenario', 'twin.yml'), 'utf8');
    for (const line of [
      'the guests themselves',
      ...(hasInet ? ['the nft table inet elsewhere'] : []),
      'the tc filter u32 at vnet0 egress, to lo',
    ]) {
      expect(run.stderr).toContain(`  ${line}`);
      expect(file).toContain(`# - ${line}`);
    }
  });

  it('tells what other settings would change', () => {
    const [changed = '', stopped = ''] = run.stdout.split('Stopped leaking, proven');
    expect(stopped).toMatch(/known-unicast/);
    expect(changed).toMatch(/br0\.ageing_time 0 → 30 s/);
    expect(changed).toContain(`${hostile}.flood on → off`);
  });

  it('is attacked as nobody would attack the live bridge', () => {
    const { steps } = read(folder('twin-br0-2'), 'result.json') as Result;
    expect(steps.some(({ findings }) => findings.some((row) => row.class === 'mac-steal'))).toBe(true);
  });

  it('is mended where nobody would try it on the live bridge, and told whether that helps', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const words = [
      'run',
      '--twin',
      '--class',
      'mac-spoof',
      '--prove-fix',
      '--quiet',
      '--out',
      join(host.dir, 'mended'),
    ];
    const { status, stdout, stderr } = await outcomeOf(host.cli(words));
    expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
    // the mirror stands in the twin too, so that nothing is proven for as long as it does
    expect(stdout).toMatch(/tried: UNPROVEN \(200 → 0 frames\)/);
    expect(host.shape()).toBe(before);
  });

  it('runs nothing where a setting is none, and names all that is wrong', async () => {
    const words = ['br0.ageing=0', 'vnet9.flood=off', 'nonsense'].flatMap((text) => ['--what-if', text]);
    const { status, stdout, stderr } = await outcomeOf(
      host.cli(['run', '--twin', ...words, '--out', join(host.dir, 'refused')]),
    );
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
    for (const why of [
      '"ageing" is no setting of a bridge',
      '"vnet9" is neither the bridge nor a port',
      '"nonsense": not DEVICE.SETTING=VALUE',
    ])
      expect(stderr).toContain(why);
    expect(existsSync(join(host.dir, 'refused'))).toBe(false);
  });

  it('writes down what a new bridge and a new port have not, and knows what they have', () => {
    host.run('ip link add dev br9 type bridge');
    host.run('ip link add dev new0 type veth peer name new1');
    host.run('ip link set dev new0 master br9');
    const [bridge, port] = ['br9', 'new0'].map(
      (name) =>
        (
          JSON.parse(host.run(`ip -j -d link show dev ${name}`)) as readonly {
            readonly linkinfo: Record<'info_data' | 'info_slave_data', Record<string, unknown>>;
          }[]
        )[0]?.linkinfo,
    );
    for (const [known, found] of [
      [bridgeSettings, bridge?.info_data],
      [portSettings, port?.info_slave_data],
    ] as const) {
      // This kernel may lack some; the times are kept in its own ticks.
      const there = Object.entries(defaultsOf(known)).filter(([key]) => found?.[key] !== undefined);
      expect(there.length).toBeGreaterThan(15);
      expect(
        there.filter(
          ([key, value]) =>
            found?.[key] !== value &&
            !(key === 'mcast_startup_query_intvl' && Math.abs(Number(found?.[key]) - Number(value)) <= 1),
        ),
      ).toEqual([]);
    }
  });
});

describe('the twin of a bridge that something holds promiscuous', { ...needs(root), timeout: patient(300_000) }, () => {
  it('does not hold, for it has nothing in the place of what gets the frames, and its last lines say so', {
    tags: 'all',
  }, async () => {
    const host = wholeHost(3);
    try {
      host.sh('for i in 1 2 3; do ip neigh del 10.9.0.$i dev br0; done; ip link set br0 promisc on');
      const out = join(host.dir, 'twin');
      const { status, stdout } = await host.run(`run --twin --class known-unicast --quiet --out ${out}`);
      const closing = stdout.slice(stdout.lastIndexOf('INCONCLUSIVE:')).replaceAll(/\s+/g, ' ');
      expect([status, closing], stdout).toEqual([
        3,
        expect.stringContaining('br0 was not observed (the guest behind br0 itself: something holds it promiscuous'),
      ]);
    } finally {
      host.close();
    }
  });
});

describe('the twin of a bridge that answers for guests', { ...needs(root), tags: 'all' }, () => {
  it(
    'shows where the answer leads to another guest',
    async () => {
      const host = throwAwayHost();
      try {
        const { kali2, kali3, spare } = guests;
        const owners = [kali2, kali3].map(({ mac, ip }) => `ether saddr ${mac} ip saddr ${ip} accept`);
        host.run([
          'nft',
          `table bridge owners { chain f { type filter hook forward priority 0; ${owners.join('; ')}; }; }`,
        ]);
        for (const { port } of [kali3, spare]) host.run(`ip link set dev ${port} type bridge_slave neigh_suppress on`);
        const answer = (mac: string, state: string): string =>
          host.run(`ip neigh replace ${kali3.ip} lladdr ${mac} dev br0 nud ${state}`);
        const twin = async (out: string): Promise<Result['steps']> => {
          const { stdout } = await outcomeOf(
            host.cli([
              ...['run', '--twin', '--class', 'known-unicast', '--json', '--quiet'],
              '--out',
              join(host.dir, out),
            ]),
          );
          const { steps }: Result = JSON.parse(stdout);
          return steps;
        };
        const reasonsIn = (steps: Result['steps']): readonly string[] =>
          steps.flatMap(({ reasons }) => reasons.map(({ code }) => code));
        const astray = (steps: Result['steps']) =>
          steps.flatMap(({ findings }) => findings.filter((row) => row.class === 'ping' && row.leak));
        answer(kali3.mac, 'stale');
        const right = await twin('right');
        expect([reasonsIn(right), astray(right)]).toEqual([[], []]);
        answer(spare.mac, 'stale');
        const wrong = await twin('wrong');
        expect(astray(wrong)).toMatchObject([{ from: 'web-1-', to: 'database', observer: 'spare' }]);
      } finally {
        host.close();
      }
    },
    patient(120_000),
  );
});
