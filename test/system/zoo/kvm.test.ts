import { describeHosts } from '../../support/zoo/try-hosts.js';
import { zooHosts } from '../../support/zoo/zoo.js';

/** Those that take the shortest time. */
const fastest = ['firecracker', 'libvirt-bridge', 'nat-network', 'proxmox', 'two-bridges', 'vmware'];
const hosts = zooHosts().filter(({ takes }) => takes.length === 0);

describeHosts(
  'fastest',
  hosts.filter(({ name }) => fastest.includes(name)),
  { concurrent: true },
);
describeHosts(
  'kvm',
  hosts.filter(({ name }) => !fastest.includes(name)),
  { tags: 'all', concurrent: true },
);
