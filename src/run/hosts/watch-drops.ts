import { onHost } from '../../core/model/host-names.js';
import { assertKnown } from '../../core/model/verify-error.js';
import type { RemoteHost } from './remote-host.js';

/** A host whose ports are watched. */
export interface WatchedHost {
  readonly remote: RemoteHost;
  /** Of its bridges. null = its processes' own. */
  readonly netns: string | null;
}

/** Drops of devices on other hosts. */
export interface RemoteDrops {
  /** The last reports, by HOST/NAME. A silent host has none or its last. */
  latest(): Readonly<Record<string, number>>;
  stop(): void;
}

const everyMs = 250;

/** Polls each host after its last answer. Does not report lost connections. */
export function watchDrops(hosts: readonly WatchedHost[]): RemoteDrops {
  const latest = new Map<string, number>();
  const asking = new Set<RemoteHost>();
  const ask = async ({ remote, netns }: WatchedHost): Promise<void> => {
    if (asking.has(remote)) return;
    asking.add(remote);
    try {
      const { drops } = await remote.ask({ ask: 'drops', netns });
      for (const [name, count] of Object.entries(drops)) latest.set(onHost(remote.name, name), count);
      asking.delete(remote);
    } catch (error) {
      assertKnown(error); // and it is not asked again
    }
  };
  const askAll = (): void => hosts.forEach((host) => void ask(host));
  askAll();
  const timer = setInterval(askAll, everyMs);
  return { latest: () => Object.fromEntries(latest), stop: () => clearInterval(timer) };
}
