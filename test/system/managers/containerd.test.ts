// @module-tag all
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareGuestManagers } from '../../../scripts/managers.mjs';
import { type Cage, startCage } from '../../support/managers/cage.js';
import { answerOf, type FoundGuest, guestOf } from '../../support/managers/on-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const { folder = '', skip = null } = prepareGuestManagers();

const names = ['k1', 'k2', 'k3', 'j1'];
const network = (bridge: string, subnet: string): string =>
  JSON.stringify({
    cniVersion: '0.4.0',
    name: bridge,
    type: 'bridge',
    bridge,
    isGateway: true,
    ipMasq: true,
    ipam: { type: 'host-local', subnet, routes: [{ dst: '0.0.0.0/0' }], dataDir: '/run/cni' },
  });

describe('containerd with the CNI plug-in bridge, started here', needs(root, skip), () => {
  let cage: Cage;
  const guests: Record<string, FoundGuest> = {};
  beforeAll(async () => {
    cage = await startCage(folder, /^(guests|default)$/, {
      CONTAINERD_ADDRESS: '/run/containerd/containerd.sock',
      CNI_PATH: '/usr/lib/cni',
    });
    cage.run(`printf 'version = 2\\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\\n' >/run/containerd.toml
echo '${network('cni0', '10.22.0.0/24')}' >/run/k.json; echo '${network('cni1', '10.23.0.0/24')}' >/run/j.json`);
    cage.start('containerd', 'containerd --config /run/containerd.toml --root /var/lib/containerd --state /run/state');
    await cage.until('ctr version', 'containerd');
    for (const name of names)
      cage.run(`ip netns add ${name}
ctr oci spec >/run/spec.json
python3 - <<'END'
import json
spec = json.loads(open('/run/spec.json').read())
spec['root'] = {'path': '/run/guest'}
spec['process'].update(args=['/bin/sleep', '9999'], terminal=False)
spec['linux'].pop('resources', None)
spec['linux']['cgroupsPath'] = '/guests/${name}'
for one in spec['linux']['namespaces']:
    if one['type'] == 'network': one['path'] = '/run/netns/${name}'
open('/run/spec.json', 'w').write(json.dumps(spec))
END
ctr run -d --config /run/spec.json ${name} >/dev/null 2>&1 </dev/null
CNI_COMMAND=ADD CNI_CONTAINERID=${name} CNI_NETNS=/run/netns/${name} CNI_IFNAME=eth0 /usr/lib/cni/bridge </run/${name.charAt(0)}.json
ip netns exec ${name} ping -c 1 -w 10 $(ip -n ${name} route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p')`);
    const pids = cage.run("ctr tasks list | awk 'NR > 1 {print $1, $2}'").trim().split('\n');
    for (const line of pids) {
      const [name = '', pid = ''] = line.split(' ');
      guests[name] = guestOf(cage, pid);
    }
  }, patient(300_000));
  afterAll(() => cage?.end());

  it('init names the containers behind its ports', async () => {
    const { stdout, stderr, status } = await cage.cli(['init', '--bridge', 'cni0']);
    expect(status, stderr).toBe(0);
    for (const name of ['k1', 'k2', 'k3'])
      expect(stdout).toContain(
        `    ${name}:\n      # named by containerd\n      bridge: cni0\n      port: ${guests[name]?.port}\n      mac: ${guests[name]?.mac}\n`,
      );
  });

  it('two networks', async () => {
    const { answer, expected, stderr } = await answerOf(cage, 'cni-bridge', guests);
    expect(answer, stderr).toEqual(expected);
  });
});
