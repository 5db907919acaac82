import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../../src/system/kernel/namespaces.js';
import { type Tenant, tenantOf } from '../processes.js';
import { type WholeHost, wholeHost } from '../whole-host.js';

const numbers = [1, 2, 3];

/** Three guests, g1 to g3, with a device each on the host's up0. */
export interface LowerGuests {
  readonly host: WholeHost;
  /** A process that lives in each guest's namespace, which is found by it. */
  readonly tenants: readonly Tenant[];
  /** Path of the namespace of guest n. */
  spaceOf(n: number): string;
  /** A shell script in the namespace of guest n; gives what it printed. */
  inside(n: number, script: string): string;
  /** The same in the namespace beyond up0, which far0 leads to. */
  outside(script: string): void;
  close(): Promise<void>;
}

/** `device`: the words of `ip link add` for the device of guest n, with its name until it is moved. */
export function lowerGuests(device: (n: number) => { readonly name: string; readonly words: string }): LowerGuests {
  const host = wholeHost(0);
  const [beyond, ...spaces] = [0, ...numbers].map(() => newNamespace(disableIpv6));
  const spaceOf = (n: number): string => `/proc/${process.pid}/fd/${spaces[n - 1]}`;
  const shell = (fd: number, script: string): string =>
    inNamespaceFd(fd, () => execFileSync('sh', ['-ec', script], { encoding: 'utf8', stdio: 'pipe' }));
  const inside = (n: number, script: string): string => shell(spaces[n - 1] ?? 0, script);
  const outside = (script: string): void => void shell(beyond ?? 0, script);
  host.sh(`ip link add up0 type veth peer name far0 netns /proc/${process.pid}/fd/${beyond}; ip link set up0 up`);
  outside('ip link set far0 up');
  const tenants = numbers.map((n) => {
    const { name, words } = device(n);
    host.sh(`ip link add link up0 name ${name} ${words}; ip link set ${name} netns ${spaceOf(n)} name eth0`);
    const tenant = tenantOf(spaces[n - 1] ?? 0);
    inside(n, `ip link set eth0 up; ip address add 10.9.2.${n}/24 dev eth0`);
    return tenant;
  });
  return {
    host,
    tenants,
    spaceOf,
    inside,
    outside,
    close: async () => {
      for (const tenant of tenants) await tenant.end();
      host.close();
      for (const fd of [...spaces, beyond]) closeSync(fd ?? 0);
    },
  };
}

/** A macvlan in mode bridge. */
export const macvlanOf = (n: number): { readonly name: string; readonly words: string } => ({
  name: `mv${n}`,
  words: `address 52:54:00:00:02:0${n} type macvlan mode bridge`,
});
