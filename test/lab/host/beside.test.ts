import { closeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newNamespace } from '../../../src/system/kernel/namespaces.js';
import { type Tenant, tenantOf } from '../../support/lab/processes.js';
import { type WholeHost, wholeHost } from '../../support/lab/whole-host.js';
import { kernel } from '../../support/lab/features.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

describe('guests that no bridge carries', { ...needs(root, kernel('macvlan')), timeout: patient(300_000) }, () => {
  let host: WholeHost;
  let stranger: Tenant;
  let space = '';
  beforeAll(() => {
    host = wholeHost(3);
    const namespace = newNamespace();
    stranger = tenantOf(namespace);
    closeSync(namespace);
    space = `/proc/${stranger.pid}/ns/net`;
    host.sh(
      [
        // what a macvlan stands on: one end of a pair will do
        'ip link add up0 type veth peer name far0',
        'ip link set up0 up',
        ...[1, 2].map(
          (n) => `ip link add mv${n} link up0 type macvlan mode bridge; ip link set mv${n} netns ${stranger.pid}`,
        ),
        ...[1, 2].flatMap((n) => [
          `ip link add cali${n} type veth peer name in${n} netns ${stranger.pid}`,
          `nsenter --net=${space} ip link set in${n} up`,
          `ip link set cali${n} up`,
          `ip route add 10.77.0.${n}/32 dev cali${n}`,
        ]),
        'sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.cali1.rp_filter=1',
        `nsenter --net=${space} sh -ec 'ip link add br9 type bridge; ip link set in2 master br9'`,
      ].join('\n'),
    );
  });
  afterAll(async () => {
    await stranger.end();
    host.close();
  });

  it('are named at the head of the file, before the run and at the end of the answer, and are not sent to', async () => {
    const init = await host.run(['init']);
    const macvlans = `up0 (macvlan bridge: mv1 in ${space}, mv2 in ${space})`;
    expect([init.status, init.stdout]).toEqual([0, expect.stringContaining(`# not examined: ${macvlans}: `)]);
    expect(init.stdout).toContain('routed: cali1 (10.77.0.1), cali2 (10.77.0.2)');
    expect(init.stdout).toContain('rp_filter is not strict at cali2, from where');
    expect(init.stdout).toContain(`verify-isolation run --netns ${space} --bridge br9`);
    const run = await host.run(['run', '--yes']);
    expect(run.status).toBe(0);
    expect(run.stderr).toContain(`Note not-examined: ${macvlans}: `);
    expect(run.stdout).toMatch(/\n {2}beside {2}not examined \(and 2 more\): up0, macvlan bridge: mv1 in /);
    expect(run.stdout.split('\n').length).toBeLessThanOrEqual(60);
    expect(run.stdout).toContain('HOLDS: known unicast between 3 guests and the host is private.');
  });

  it('are what the audit finds of the settings of their devices', async () => {
    const { status, stdout } = await host.run(['audit', '--json', '--fail-on', 'high']);
    const { findings }: { findings: { id: string; place: string; fix: string | null }[] } = JSON.parse(stdout);
    const found = (wanted: string): readonly string[] =>
      findings.filter(({ id }) => id === wanted).map(({ place, fix }) => `${place}: ${fix}`);
    expect(status).toBe(0);
    expect(found('routed-spoofable')).toEqual([
      'net.ipv4.conf.cali2.rp_filter: sysctl -w net.ipv4.conf.cali2.rp_filter=1',
    ]);
    expect(found('macvlan-bridge')).toEqual([
      expect.stringContaining(`up0: nsenter --net=${space} ip link set dev mv1`),
    ]);
    expect(found('routed-open')).toHaveLength(1);
    expect(found('guests-unbridged')).toHaveLength(3);
  });
});
