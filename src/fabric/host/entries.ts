import { closeSync, openSync } from 'node:fs';
import { VerifyError } from '../../core/model/verify-error.js';
import type { Place } from '../../model/fabric.js';
import type { LinkState } from '../../model/state.js';
import { mustRun } from '../../sys/programs.js';
import type { Journal } from '../../system/fabric/host/journal.js';
import { disableIpv6, newNamespace } from '../../system/kernel/namespaces.js';
import { writeSysctl } from '../../system/kernel/sysctl.js';

/**
 * The ways into the bridge: for each port a veth pair whose near end is in a namespace of this process and whose far
 * end hands every frame to the port as if it had come from there (tc-mirred(8), ingress redirect). The bridge, the port
 * and the guest are not touched: the far end is never enslaved, and all of it ends with this process's namespace.
 */
export interface Entries {
  /** Where to send so that the frame enters the bridge from `port`. */
  of(port: string): Place;
  /** Names of the far ends. */
  readonly names: readonly string[];
  close(): void;
}

export interface EntryOptions {
  readonly ports: readonly LinkState[];
  /** Namespace of the bridges; null = the caller's. */
  readonly netns: string | null;
  readonly runId: string;
  readonly journal: Journal;
}

/** Throws VerifyError (69) where the kernel lacks clsact or mirred; what was made until then stands in the journal. */
export async function makeEntries(options: EntryOptions): Promise<Entries> {
  const { ports, netns, runId, journal } = options;
  const fd = newNamespace(disableIpv6);
  const near = `/proc/${process.pid}/fd/${fd}`;
  // held open: /proc/PID/ns/net names the near namespace for the moment in which a program is being born there
  const home = openSync(netns ?? '/proc/thread-self/ns/net', 'r');
  const names = ports.map((_, index) => `vi${runId.slice(0, 8)}-${index}`);
  const entries: Entries = {
    names,
    of(port) {
      const index = ports.findIndex(({ name }) => name === port);
      if (index < 0)
        throw new VerifyError(
          'fabric-unknown',
          70,
          `there is no way in through ${JSON.stringify(port)}`,
          'report this as a fault of verify-isolation',
        );
      return { device: `p${index}`, netns: near };
    },
    close: () => closeSync(fd),
  };
  try {
    for (const [index, port] of ports.entries()) {
      const name = names[index] ?? '';
      journal.add({ command: ['ip', 'link', 'del', 'dev', name], gone: true });
      await makeEntry({ near, home: `/proc/${process.pid}/fd/${home}`, netns, name, nearName: `p${index}`, port });
    }
    return entries;
  } catch (error) {
    entries.close();
    throw error;
  } finally {
    closeSync(home);
  }
}

interface Entry {
  readonly near: string;
  readonly home: string;
  readonly netns: string | null;
  readonly name: string;
  readonly nearName: string;
  readonly port: LinkState;
}

async function makeEntry({ near, home, netns, name, nearName, port }: Entry): Promise<void> {
  const mtu = ['mtu', String(port.mtu)];
  await mustRun(
    ['ip', 'link', 'add', 'dev', nearName, ...mtu, 'type', 'veth', 'peer', 'name', name, ...mtu, 'netns', home],
    { netns: near },
  );
  silence(netns, name);
  await mustRun(['ip', 'link', 'set', 'dev', name, 'arp', 'off', 'up'], { netns });
  await mustRun(['ip', 'link', 'set', 'dev', nearName, 'arp', 'off', 'up'], { netns: near });
  await mustRun(['tc', 'qdisc', 'add', 'dev', name, 'clsact'], { netns });
  await redirect(netns, name, port.name);
}

/**
 * Before it comes up: its router solicitations would enter as the guest and teach the bridge its MAC. A kernel without
 * IPv6 says nothing.
 */
function silence(netns: string | null, name: string): void {
  try {
    writeSysctl(netns, `net.ipv6.conf.${name}.disable_ipv6`, '1');
  } catch (error) {
    if (!(error instanceof VerifyError) || error.code !== 'unsupported') throw error;
  }
}

/** matchall where the kernel has it, else u32, which it has had always. */
async function redirect(netns: string | null, name: string, port: string): Promise<void> {
  const filter = ['tc', 'filter', 'add', 'dev', name, 'ingress', 'protocol', 'all', 'prio', '1'];
  const action = ['action', 'mirred', 'ingress', 'redirect', 'dev', port];
  try {
    await mustRun([...filter, 'matchall', ...action], { netns });
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    await mustRun([...filter, 'u32', 'match', 'u32', '0', '0', ...action], { netns });
  }
}
