import { randomInt } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import { macOfGuest, wholeHost } from '../../../support/lab/whole-host.js';
import { needs, program, root } from '../../../support/needs.js';
import { shared } from '../../../support/scratch.js';
import { patient } from '../../../support/patient.js';

const drawn = randomInt(0x1000, 0xffff).toString(16);
const names = { hop: `h${drawn}`, inner: `i${drawn}`, outer: `o${drawn}` };

/** Guest 1 behind a bridge of its own, as a firewall puts it there, and known where it is. */
const behindHop = `ip link add ${names.hop} type bridge forward_delay 0
ip link add ${names.inner} type veth peer name ${names.outer}
ip link set v1 master ${names.hop}
ip link set ${names.inner} master ${names.hop}
ip link set ${names.outer} master br0
for device in ${Object.values(names).join(' ')}; do ip link set $device up; done
until bridge fdb replace ${macOfGuest(1)} dev v1 master dynamic; do sleep 0.05; done
until bridge fdb replace ${macOfGuest(1)} dev ${names.outer} master dynamic; do sleep 0.05; done`;

const got = ({ steps }: Result, observer: string, to: string): number =>
  steps
    .flatMap(({ findings }) => findings)
    .filter((row) => row.observer === observer && row.to === to && row.class === 'known-unicast')
    .reduce((sum, { seen }) => sum + (seen ?? 0), 0);

describe('a guest behind a hop', { ...needs(root, program('nft')), timeout: patient(120_000) }, () => {
  const host = shared(() => wholeHost(3));
  beforeAll(() => {
    host.sh(behindHop);
  });

  it('is one of the bridge beyond: sent to, spoken for and heard at its own port', async () => {
    const { status, text, result } = await host.judge('sound', '--class', 'known-unicast');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    expect(got(result, 'v1', 'v1')).toBeGreaterThan(0);
    expect(result.coverage).toMatchObject({ complete: true, ports: 3 });
  });

  it('is shut off by a rule on its hop, which holds', { tags: 'all' }, async () => {
    host.sh(
      `nft 'add table bridge g; add chain bridge g c { type filter hook forward priority 0; }; add rule bridge g c oifname "v1" drop'`,
    );
    const { status, text, result } = await host.judge('shut', '--class', 'known-unicast');
    host.sh('nft delete table bridge g');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    expect(got(result, 'v1', 'v1')).toBe(0);
  });

  it('is overheard where its port of the bridge beyond learns nothing, and that port is the cause', async () => {
    host.sh(
      `bridge link set dev ${names.outer} learning off; bridge fdb del ${macOfGuest(1)} dev ${names.outer} master`,
    );
    const { status, text, result } = await host.judge('deaf', '--class', 'known-unicast');
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    expect(got(result, 'v2', 'v1') + got(result, 'v3', 'v1'), text).toBeGreaterThan(0);
    const places = result.steps.flatMap(({ findings }) => findings.flatMap(({ causes }) => causes));
    expect(places.map(({ place }) => place)).toContain(`${names.outer}.learning`);
  });

  it('of which a further port makes a network: then each bridge is one', { tags: 'all' }, async () => {
    host.sh(`ip tuntap add d${drawn} mode tap; ip link set d${drawn} master ${names.hop}; ip link set d${drawn} up`);
    const { status, stderr } = await host.run(['run', '--yes', '--out', `${host.dir}/joined`]);
    expect([status, stderr.split('\n').slice(0, 2)]).toEqual([
      0,
      [
        expect.stringContaining(`"${names.outer}" joins "br0" to "${names.hop}"`),
        expect.stringMatching(new RegExp(`^not examined: ${names.hop}: ".*" is the only guest`)),
      ],
    ]);
    const typed = await host.judge('typed', '--bridge', 'br0');
    expect([typed.status, typed.result.verdict], typed.text).toEqual([0, 'holds']);
    host.sh(
      `tc qdisc add dev v2 clsact; tc filter add dev v2 egress protocol all u32 match u32 0 0 action mirred egress mirror dev ${names.outer}`,
    );
    const copied = await host.judge('copied', '--bridge', 'br0');
    expect([copied.status, copied.result.verdict], copied.text).toEqual([2, 'broken']);
  });
});
