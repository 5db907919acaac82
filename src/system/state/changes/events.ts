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
const maxConcurrent = 2000;

export interface KernelEvents {
  /** Messages that rang. After an overrun (ENOBUFS) only a whole snapshot is complete. */
  counts(): { readonly events: number; readonly overruns: number };
  close(): Promise<void>;
}

/**
 * Calls `ring` for changes, or drops, of links, bridge ports, FDB, MDB, VLANs, tc and nft. Leaves out IP neighbours,
 * which change all day. `buffer`: bytes.
 */
export function openKernelEvents(netns: string | null, ring: () => void, buffer = usualBuffer): KernelEvents {
  let [events, overruns, open] = [0, 0, true];
  const fds = inNamespace(netns, () => {
    const ofLinks = openNetlink({ family: NETLINK_ROUTE, groups: routeGroups, waitMs, buffer });
    // ordinary users may not hear nft's events; then only reads of the state show its rules
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
