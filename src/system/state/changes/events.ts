import { closeSync, read, readSync } from 'node:fs';
import { inNamespace } from '../../kernel/namespaces.js';
import {
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  netlinkMessages,
  openNetlink,
  openNetlinkIfAllowed,
  RTM_GETNEIGH,
  RTM_NEWNEIGH,
  setWaiting,
} from '../../kernel/netlink-socket.js';
import { systemCode } from '../../../core/model/verify-error.js';

/** RTNLGRP_LINK, _NEIGH, _TC, _MDB and _BRVLAN of linux/rtnetlink.h. */
const routeGroups = [1, 3, 4, 26, 33];
/** NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h. */
const tableGroups = [7];
const AF_BRIDGE = 7;
const waitMs = 500;
const usualBuffer = 4 * 1024 * 1024;
/** Messages taken before the program does something else again. */
const maxConcurrent = 2000;

export interface KernelEvents {
  /**
   * Messages that rang, and how often the kernel had to drop some (ENOBUFS): after that only a whole snapshot reports.
   */
  counts(): { readonly events: number; readonly overruns: number };
  /** Resolves when nothing is read any more. */
  close(): Promise<void>;
}

/**
 * Calls `ring` for every change that the kernel reports links, bridge ports, FDB, MDB, VLANs, tc and nft in a
 * namespace. It says that something happened, not what: the listener reads the state. Neighbours of IP are left
 * out: they come and go all day. `buffer`: bytes that the kernel keeps of each until they are taken; what does not fit
 * is dropped, which rings as well.
 */
export function openKernelEvents(netns: string | null, ring: () => void, buffer = usualBuffer): KernelEvents {
  let [events, overruns, open] = [0, 0, true];
  const fds = inNamespace(netns, () => {
    const ofLinks = openNetlink({ family: NETLINK_ROUTE, groups: routeGroups, waitMs, buffer });
    // nft's events need a right that an ordinary user lacks; its rules are then read with everything else
    const ofTables = openNetlinkIfAllowed({ family: NETLINK_NETFILTER, groups: tableGroups, waitMs, buffer });
    return [{ fd: ofLinks, takesAll: false }, ...(ofTables === null ? [] : [{ fd: ofTables, takesAll: true }])];
  });

  function take(chunk: Buffer, bytes: number, takesAll: boolean): void {
    for (const { type, family } of netlinkMessages(chunk, bytes)) {
      if (!takesAll && type >= RTM_NEWNEIGH && type <= RTM_GETNEIGH && family !== AF_BRIDGE) continue;
      events += 1;
      ring();
    }
  }
  function failed(error: unknown): void {
    if (!isCode(error, 'ENOBUFS')) return;
    overruns += 1;
    ring();
  }
  /** What waits already, without waiting. */
  function drain(fd: number, chunk: Buffer, takesAll: boolean): void {
    setWaiting(fd, false);
    for (let taken = 0; taken < maxConcurrent; taken += 1) {
      try {
        take(chunk, readSync(fd, chunk), takesAll);
      } catch (error) {
        failed(error);
        if (!isCode(error, 'ENOBUFS')) break;
      }
    }
    setWaiting(fd, true);
  }
  async function listen(fd: number, takesAll: boolean): Promise<void> {
    const chunk = Buffer.alloc(1 << 16);
    while (open) {
      await new Promise<void>((resolve) =>
        read(fd, chunk, 0, chunk.length, null, (error, bytes) => {
          if (error === null) {
            take(chunk, bytes, takesAll);
            drain(fd, chunk, takesAll);
          } else failed(error);
          setImmediate(resolve);
        }),
      );
    }
    closeSync(fd);
  }

  const listening = fds.map(({ fd, takesAll }) => listen(fd, takesAll));
  return {
    counts: () => ({ events, overruns }),
    async close() {
      open = false;
      await Promise.all(listening);
    },
  };
}

function isCode(error: unknown, code: string): boolean {
  return systemCode(error) === code;
}
