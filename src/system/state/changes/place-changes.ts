import { closeSync } from 'node:fs';
import { inNamespace } from '../../kernel/namespaces.js';
import {
  NETLINK_ROUTE,
  netlinkAttributes,
  openNetlinkIfAllowed,
  type WaitingMessage,
  waitingMessages,
} from '../../kernel/netlink-socket.js';

/** RTNLGRP_LINK and RTNLGRP_NEIGH; RTM_NEWLINK, RTM_DELLINK and RTM_NEWNEIGH (linux/rtnetlink.h). */
const groups = [1, 3] as const;
const message = { newLink: 16, delLink: 17, newNeigh: 28 } as const;
const AF_BRIDGE = 7;
/** IFF_UP and IFF_LOWER_UP, the carrier (linux/if.h). */
const upFlag = 1;
const carrierFlag = 1 << 16;
/** In struct ifinfomsg and struct ndmsg, behind struct nlmsghdr. */
const ifindexAt = 20;
const flagsAt = 24;
const neighbourAttributesAt = 28;
/** NDA_LLADDR and NDA_MASTER (linux/neighbour.h). */
const attribute = { lladdr: 2, master: 9 } as const;

/** A station left its bridge port, or a port lost its carrier. */
export type PlaceChange =
  /** `bridge`: index of the bridge that learned it. */
  | { readonly kind: 'moved'; readonly mac: string; readonly ifindex: number; readonly bridge: number }
  | { readonly kind: 'carrier'; readonly ifindex: number };

function* changesIn({ type, family, bytes }: WaitingMessage): Generator<PlaceChange> {
  if (bytes.length < neighbourAttributesAt) return;
  const ifindex = bytes.readInt32LE(ifindexAt);
  if (type === message.delLink && family !== AF_BRIDGE) yield { kind: 'carrier', ifindex };
  if (type === message.newLink && family !== AF_BRIDGE) {
    const flags = bytes.readUInt32LE(flagsAt);
    if ((flags & upFlag) === 0 || (flags & carrierFlag) === 0) yield { kind: 'carrier', ifindex };
  }
  if (type !== message.newNeigh || family !== AF_BRIDGE) return;
  const attributes = netlinkAttributes(bytes.subarray(neighbourAttributesAt));
  const mac = attributes.get(attribute.lladdr);
  const master = attributes.get(attribute.master);
  if (mac?.length === 6 && master?.length === 4)
    yield {
      kind: 'moved',
      mac: mac.toString('hex').replaceAll(/(..)(?=.)/g, '$1:'),
      ifindex,
      bridge: master.readInt32LE(0),
    };
}

/** Hears stations move, and links lose their carrier. */
export interface PlaceWatch {
  take(): readonly PlaceChange[];
  /** True if the kernel dropped some. */
  hasLost(): boolean;
  close(): void;
}

/** `netns`: path, null = the caller's. Leaves out events that this user may not hear. */
export function watchPlaces(netns: string | null): PlaceWatch {
  const fds = inNamespace(netns, () =>
    groups.flatMap(
      (group) => openNetlinkIfAllowed({ family: NETLINK_ROUTE, groups: [group], waitMs: null, buffer: 1 << 20 }) ?? [],
    ),
  );
  let isLost = false;
  return {
    take() {
      const changes: PlaceChange[] = [];
      // Messages share a buffer: each is read before the next.
      for (const fd of fds)
        for (const message of waitingMessages(fd))
          if (message === 'lost') isLost = true;
          else changes.push(...changesIn(message));
      return changes;
    },
    hasLost: () => isLost,
    close: () => fds.forEach((fd) => closeSync(fd)),
  };
}
