// @module-tag all
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareGuestManagers } from '../../../scripts/managers.mjs';
import { type Cage, startCage } from '../../support/managers/cage.js';
import { answerOf, type FoundGuest, guestOf } from '../../support/managers/on-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const { folder = '', skip = null } = prepareGuestManagers();
const networks: Readonly<Record<string, string>> = {
  p1: 'podman',
  p2: 'podman',
  p3: 'podman',
  m1: 'm',
  i1: 'i1',
  i2: 'i2',
};

describe('Podman, run here', needs(root, skip), () => {
  let cage: Cage;
  const guests: Record<string, FoundGuest> = {};
  beforeAll(async () => {
    cage = await startCage(folder, /^(libpod_parent|machine)$/);
    cage.run(`mkdir -p /etc/containers
printf '[storage]\\ndriver = "overlay"\\nrunroot = "/run/containers/storage"\\ngraphroot = "/var/lib/containers/storage"\\n' >/etc/containers/storage.conf
printf '[engine]\\ncgroup_manager = "cgroupfs"\\nevents_logger = "none"\\n[network]\\nnetwork_config_dir = "/run/networks"\\n' >/etc/containers/containers.conf
podman network create m
podman network create --opt isolate=true i1
podman network create --opt isolate=true i2
${Object.entries(networks)
  .map(
    ([name, network]) =>
      `podman run -d --cgroups=disabled --network ${network} --name ${name} --rootfs /run/guest:O /bin/sleep 9999`,
  )
  .join('\n')}`);
    for (const name of Object.keys(networks)) {
      const pid = cage.run(`podman inspect -f '{{.State.Pid}}' ${name}`).trim();
      guests[name] = guestOf(cage, pid);
      // they talk, as containers do: Podman gives them no right to ping
      cage.run(
        `nsenter --target ${pid} --net ping -c 1 -w 5 $(nsenter --target ${pid} --net ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p')`,
      );
    }
  }, patient(300_000));
  afterAll(() => cage?.end());

  it('init names the containers behind its ports', async () => {
    const { stdout, stderr, status } = await cage.cli(['init', '--bridge', 'podman0']);
    expect(status, stderr).toBe(0);
    for (const name of ['p1', 'p2', 'p3'])
      expect(stdout).toContain(
        `    ${name}:\n      # named by podman\n      bridge: podman0\n      port: ${guests[name]?.port}\n      mac: ${guests[name]?.mac}\n`,
      );
  });

  it('its default network, and others with and without isolate=true', async () => {
    const { answer, expected, stderr } = await answerOf(cage, 'podman-bridge', guests);
    expect(answer, stderr).toEqual(expected);
  });
});
