import { VerifyError } from '../../core/model/verify-error.js';
import { libc } from '../kernel/libc.js';
import {
  NETLINK_ROUTE,
  netlinkMessages,
  openNetlink,
  readNetlink,
  RTM_DELLINK,
  RTM_NEWLINK,
} from '../kernel/netlink-socket.js';
import { linkFlags, linkIndex } from '../kernel/packet-socket.js';
import { AF_UNIX } from '../kernel/socket-constants.js';

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const RTNLGRP_LINK = 1;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;

/** A link gone (deleted or in another namespace), down, or without carrier. */
export interface LinkTrouble {
  readonly device: string;
  readonly code: 'interface-gone' | 'interface-down';
  readonly text: string;
}

interface WatchedLink {
  readonly device: string;
  usable: boolean;
  gone: boolean;
}

function isUsable(flags: number): boolean {
  return (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0;
}

/** Notices each change of links, even if undone at once, by rtnetlink events (rtnetlink(7)). Unprivileged. */
export class LinkWatch {
  readonly fd = openNetlink({ family: NETLINK_ROUTE, groups: [RTNLGRP_LINK], waitMs: null });
  private readonly asker: number;
  private readonly buffer = Buffer.alloc(1 << 16);
  private readonly links = new Map<number, WatchedLink>();

  /** Throws VerifyError `open-failed` (69). */
  constructor() {
    const c = libc();
    this.asker = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK_CLOEXEC, 0);
    if (this.asker >= 0) return;
    c.close(this.fd);
    throw new VerifyError(
      'open-failed',
      69,
      `links cannot be asked about: ${c.errnoName(c.errno())}`,
      'raise the limit of open files (ulimit -n)',
    );
  }

  /** Throws VerifyError `interface-gone`. */
  add(device: string): void {
    const index = linkIndex(this.asker, device);
    const flags = linkFlags(this.asker, device);
    if (index === null || flags === null)
      throw new VerifyError(
        'interface-gone',
        69,
        `there is no interface ${JSON.stringify(device)}`,
        'has the guest been stopped?',
      );
    this.links.set(index, { device, usable: isUsable(flags), gone: false });
  }

  troubles(): readonly LinkTrouble[] {
    const troubles: LinkTrouble[] = [];
    for (;;) {
      const bytes = readNetlink(this.fd, this.buffer);
      if (bytes === 'nothing') return troubles;
      if (bytes === 'lost') this.lookAgain(troubles);
      else for (const { index, flags } of events(this.buffer, bytes)) this.judge(index, flags, troubles);
    }
  }

  /** True if each name still means the same link, after `troubles`. */
  unchanged(): boolean {
    return [...this.links].every(([index, { device, gone }]) => !gone && linkIndex(this.asker, device) === index);
  }

  close(): void {
    const c = libc();
    c.close(this.fd);
    c.close(this.asker);
  }

  /** `flags` null: the link is gone. */
  private judge(index: number, flags: number | null, troubles: LinkTrouble[]): void {
    const link = this.links.get(index);
    if (link === undefined || link.gone) return;
    const { device } = link;
    if (flags === null) {
      link.gone = true;
      const text = `${JSON.stringify(device)} is gone: deleted, or moved to another namespace`;
      troubles.push({ device, code: 'interface-gone', text });
      return;
    }
    const usable = isUsable(flags);
    if (link.usable && !usable) {
      const what = (flags & IFF_UP) === 0 ? 'went down' : 'lost its carrier';
      troubles.push({ device, code: 'interface-down', text: `${JSON.stringify(device)} ${what}` });
    }
    link.usable = usable;
  }

  private lookAgain(troubles: LinkTrouble[]): void {
    for (const [index, { device }] of this.links)
      this.judge(index, linkIndex(this.asker, device) === index ? linkFlags(this.asker, device) : null, troubles);
  }
}

/** struct ifinfomsg: family, type, index, flags, change. */
function* events(buffer: Buffer, bytes: number): Generator<{ readonly index: number; readonly flags: number | null }> {
  for (const { type, family, at, length } of netlinkMessages(buffer, bytes)) {
    // AF_BRIDGE (7) messages report a port leaving its bridge, not of the link
    if (family !== 0 || length < 32) continue;
    if (type === RTM_NEWLINK) yield { index: buffer.readInt32LE(at + 20), flags: buffer.readUInt32LE(at + 24) };
    if (type === RTM_DELLINK) yield { index: buffer.readInt32LE(at + 20), flags: null };
  }
}
