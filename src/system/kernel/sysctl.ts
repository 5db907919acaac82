import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf, systemCode, VerifyError } from '../../core/model/verify-error.js';
import { inNamespace } from './namespaces.js';

/** A network namespace's sysctls, without missing ones. */
export function readSysctl(netns: string | null, names: readonly string[]): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  inNamespace(netns, () => {
    for (const name of names) {
      try {
        values[name] = tidy(readFileSync(sysctlPath(name), 'utf8'));
      } catch {
        // this kernel or namespace lacks it
      }
    }
  });
  return values;
}

/** Returns the kernel's value. Throws VerifyError: `unsupported` (69) if missing, `command-failed` (3) if refused. */
export function writeSysctl(netns: string | null, name: string, value: string): string {
  const path = sysctlPath(name);
  return inNamespace(netns, () => {
    try {
      writeFileSync(path, value, { flag: 'r+' });
      return tidy(readFileSync(path, 'utf8'));
    } catch (error) {
      const missing = systemCode(error) === 'ENOENT';
      const why = messageOf(error);
      if (missing)
        throw new VerifyError(
          'unsupported',
          69,
          `this kernel has no sysctl ${name}`,
          'check its spelling; br_netfilter or another module may have to be loaded',
        );
      throw new VerifyError(
        'command-failed',
        3,
        `sysctl ${name} = ${value}: ${why}`,
        'a sysctl of the whole machine cannot be set in the lab; is the value allowed?',
      );
    }
  });
}

/** `net.ipv4.conf.eth0/1.rp_filter` is /proc/sys/net/ipv4/conf/eth0.1/rp_filter (sysctl(8)). */
function sysctlPath(name: string): string {
  const parts = name.split('.').map((part) => part.replaceAll('/', '.'));
  return `/proc/sys/${parts.filter((part) => part !== '.' && part !== '..').join('/')}`;
}

function tidy(text: string): string {
  return text.trim().replaceAll('\t', ' ');
}
