import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';

describe('a run on a host', needs(root), () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
  });
  afterAll(() => host.close());

  it('writes a scenario of what it finds, every port in it, with the names and zones that libvirt knows, that runs as it is', async () => {
    const init = await outcomeOf(host.cli(['init']));
    expect([init.status, init.stderr]).toEqual([0, '']);
    for (const { port, mac } of Object.values(guests))
      expect(init.stdout).toMatch(new RegExp(`port: ${port}\\n.*?mac: ${mac}`, 's'));
    const {
      topology,
      policy,
    }: { topology: { endpoints: Record<string, { port: string; zone?: string }> }; policy: object[] } = parse(
      init.stdout,
    );
    expect(Object.entries(topology.endpoints).map(([name, { port, zone }]) => `${name} ${port} ${zone ?? ''}`)).toEqual(
      expect.arrayContaining(['web-1- vnet0 acme', 'database vnet4 vlan20']),
    );
    expect(policy).toEqual([{ from: 'zone:*', to: 'zone:*', expect: 'private' }]);
    expect(init.stdout).toContain('# named by libvirt, zone by OpenStack project\n');
    expect(init.stdout).toContain('# Between zones, what one guest sends to another reaches nobody else');
    const file = join(host.dir, 'found.yml');
    writeFileSync(file, init.stdout);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json']));
    const { coverage, steps }: Result = JSON.parse(run.stdout);
    // A bridge floods what it does not know, here as anywhere: known unicast is private, the policy's unknown unicast
    // is not.
    expect([run.status, coverage.observed, ...steps.map(({ name, verdict }) => `${name}: ${verdict}`)]).toEqual([
      2,
      4,
      'nobody overhears known unicast: holds',
      'policy: zone acme to zone vlan20: broken',
      'policy: zone vlan20 to zone acme: broken',
    ]);
    expect(
      new Set(
        steps.flatMap(({ findings }) =>
          findings.filter(({ leak }) => leak).map((row) => `${row.class} ${row.causes[0]?.code}`),
        ),
      ),
    ).toEqual(new Set(['unknown-unicast unknown-flood']));
  });

  it('writes one with the MACs that Incus tells where no guest has spoken, which runs as it is', async () => {
    const instances = (['kali2', 'kali3'] as const).map((name) => ({
      name,
      status: 'Running',
      project: 'acme',
      expanded_devices: { eth0: { type: 'nic' } },
      expanded_config: { 'volatile.eth0.hwaddr': guests[name].mac },
      state: { network: { eth0: { hwaddr: guests[name].mac, host_name: guests[name].port } } },
    }));
    writeFileSync(join(host.dir, 'incus'), `#!/bin/sh\ncat <<'END'\n${JSON.stringify(instances)}\nEND\n`, {
      mode: 0o755,
    });
    host.run(['ip', 'link', 'set', 'dev', 'br0', 'type', 'bridge', 'fdb_flush']);
    const init = await outcomeOf(host.cli(['init'], true, ['env', `PATH=${host.dir}:${process.env['PATH'] ?? ''}`]));
    expect([init.status, init.stderr]).toEqual([0, '']);
    expect(init.stdout).toContain(
      'has not spoken lately, so that the bridge does not know it; its MAC is as incus tells it',
    );
    expect(init.stdout).toContain('# name and MAC by incus, zone by project\n');
    const file = join(host.dir, 'told.yml');
    writeFileSync(file, init.stdout);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json']));
    // the policy's unknown unicast is flooded
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('left behind on br0: nothing')]);
    const { steps }: Result = JSON.parse(run.stdout);
    expect([steps[0]?.name, steps[0]?.verdict]).toEqual(['nobody overhears known unicast', 'holds']);
  });
});
