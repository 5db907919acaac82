import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../../src/system/kernel/namespaces.js';
import { causesIn, fixesIn } from '../../../support/lab/result-parts.js';
import { type WholeHost, wholeHost } from '../../../support/lab/whole-host.js';
import { needs, root } from '../../../support/needs.js';
import { patient } from '../../../support/patient.js';

/** Guests of a second bridge, and guests without a bridge. */
const yards = [1, 2, 3];
const lanes = [1, 2, 3, 4];

describe('what a host routes between networks', { ...needs(root), timeout: patient(300_000) }, () => {
  let host: WholeHost;
  const spaces = [...yards, ...lanes].map(() => newNamespace(disableIpv6));
  /** A guest behind a port, which has spoken to the host. */
  const guest = (space: number, port: string, mac: string, address: string, gateway: string): void => {
    host.sh(
      `ip link add ${port} type veth peer name eth0 address ${mac} netns /proc/${process.pid}/fd/${space}; ip link set ${port} up`,
    );
    if (port.startsWith('yard')) host.sh(`ip link set ${port} master yards`);
    else host.sh(`ip address add ${gateway}/32 dev ${port}; ip route add ${address}/32 dev ${port}`);
    const inside = `ip link set eth0 up; ip address add ${address}/24 dev eth0; ip route replace default via ${gateway} dev eth0 onlink; ping -c 1 -w 30 ${gateway}`;
    inNamespaceFd(space, () => execFileSync('sh', ['-ec', inside], { stdio: 'pipe' }));
  };
  const rules = (...lines: readonly string[]): void =>
    host.sh(
      [
        "nft add table ip lines; nft 'add chain ip lines pass { type filter hook forward priority 0 ; policy drop ; }'",
        ...lines.map((line) => `nft add rule ip lines pass ${line} accept`),
      ].join('\n'),
    );
  const noRules = (): void => host.sh('nft delete table ip lines');
  beforeAll(() => {
    host = wholeHost(2);
    host.sh('sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=1');
    host.sh('for key in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $key ] || echo 0 > $key; done');
    host.sh(
      'ip link add yards type bridge forward_delay 0; ip link set yards up; ip address add 10.44.0.254/24 dev yards',
    );
    for (const n of yards) guest(spaces[n - 1] ?? 0, `yard${n}`, `52:54:00:44:00:0${n}`, `10.44.0.${n}`, '10.44.0.254');
    // A port more may change the MAC of the bridge, and then its neighbours are forgotten
    for (const n of yards) host.sh(`ip neigh replace 10.44.0.${n} lladdr 52:54:00:44:00:0${n} dev yards nud permanent`);
    for (const n of lanes)
      guest(spaces[yards.length + n - 1] ?? 0, `lane${n}`, `52:54:00:55:00:0${n}`, `10.55.0.${n}`, '169.254.1.1');
  });
  afterAll(() => {
    host.close();
    for (const fd of spaces) closeSync(fd);
  });

  it('is EXPOSED where nothing keeps them apart, and no leak', async () => {
    const { status, text, result } = await host.judge('open');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    const exposed = result.steps.flatMap(({ exposures = [] }) => exposures);
    const routed = exposed.filter(({ classes }) => classes.includes('routed-bounce'));
    expect(new Set(routed.flatMap(({ observers }) => observers)).size, text).toBe(2 + yards.length + lanes.length);
    expect(
      routed.every(({ cause, few }) => cause === 'host-forwards' && few === undefined),
      text,
    ).toBe(true);
  });

  it('is EXPOSED at the one guest that it reaches, which stands first, and nowhere with the fix', {
    tags: 'all',
  }, async () => {
    rules('oifname yards ip daddr 10.44.0.2');
    const { status, text, result } = await host.judge('one');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    const few = result.steps.flatMap(({ exposures = [] }) => exposures).filter((group) => group.few === true);
    expect(new Set(few.flatMap(({ observers }) => observers)), text).toEqual(new Set(['yard2']));
    expect(text).toMatch(/EXPOSED[^]*the host routes to yard2, and not to most other guests/);
    const fixes = few.flatMap(({ causes }) => causes.flatMap((cause) => cause.fixes));
    host.sh([...new Set(fixes)].join('\n'));
    const fixed = await host.judge('one-fixed');
    host.sh('nft delete table inet isolation');
    noRules();
    expect([fixed.status, fixed.result.verdict], fixed.text).toEqual([0, 'holds']);
    const left = fixed.result.steps.flatMap(({ exposures = [] }) => exposures);
    expect(
      left.filter(({ classes }) => classes.includes('routed-bounce')),
      fixed.text,
    ).toEqual([]);
  });

  it('is BROKEN at the one guest without a bridge that reaches all and is reached, by name, and holds with the fix', async () => {
    rules('iifname lane3', 'oifname lane3');
    const { status, text, result } = await host.judge('odd', '--bridge', 'routes');
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    expect(text.replaceAll(/\s+/g, ' ')).toMatch(
      /BROKEN: lane3 reaches lane\d, lane\d and lane\d and is reached by them/,
    );
    expect(new Set(causesIn(result).map(({ code }) => code))).toEqual(new Set(['host-forwards']));
    host.sh(fixesIn(result).join('\n'));
    const fixed = await host.judge('odd-fixed', '--bridge', 'routes');
    host.sh('nft delete table inet isolation');
    noRules();
    expect([fixed.status, fixed.result.verdict], fixed.text).toEqual([0, 'holds']);
  });

  it('holds among guests without a bridge that rules let reach one other each', { tags: 'all' }, async () => {
    rules('iifname { lane1, lane2 } oifname { lane1, lane2 }', 'iifname { lane3, lane4 } oifname { lane3, lane4 }');
    const { status, text, result } = await host.judge('pairs', '--bridge', 'routes');
    noRules();
    expect([status, result.verdict], text).toEqual([0, 'holds']);
  });
});
