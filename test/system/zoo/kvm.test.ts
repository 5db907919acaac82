import { describeHosts } from '../../support/zoo/try-hosts.js';
import { zooHosts } from '../../support/zoo/zoo.js';

/** What most people have, and the host of the experiment. */
const fastest = ['libvirt-bridge', 'proxmox', 'vmware'];
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
