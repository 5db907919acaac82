import { readFileSync } from 'node:fs';
import { inNamespace } from '../sys/namespaces.js';

/** Values of sysctls in a network namespace; one that the kernel does not have is absent. */
export function readSysctl(netns: string | null, names: readonly string[]): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  inNamespace(netns, () => {
    for (const name of names) {
      try {
        values[name] = readFileSync(sysctlPath(name), 'utf8').trim().replaceAll('\t', ' ');
      } catch {
        // this kernel does not have it, or not in this namespace
      }
    }
  });
  return values;
}

/** `net.ipv4.conf.eth0/1.rp_filter` → /proc/sys/net/ipv4/conf/eth0.1/rp_filter, as sysctl(8) reads names. */
function sysctlPath(name: string): string {
  const parts = name.split('.').map((part) => part.replaceAll('/', '.'));
  return `/proc/sys/${parts.filter((part) => part !== '.' && part !== '..').join('/')}`;
}
