import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { libc } from '../../kernel/libc.js';
import { inNamespace } from '../../kernel/namespaces.js';
import { AF_UNIX, SO_NETNS_COOKIE, SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET } from '../../kernel/socket-constants.js';

/** A network namespace under a kernel: paths and inodes are reused. */
export interface NamespacePlace {
  readonly path: string | null;
  readonly inode: number;
  /** SO_NETNS_COOKIE, unique until reboot. '' = before Linux 5.14. */
  readonly cookie: string;
  /** Processes with the same view of `path`: containers may differ. */
  readonly view: string;
  readonly boot: string;
}

/** A namespace's present place. */
export function namespacePlace(path: string | null): NamespacePlace {
  return { path, inode: inodeOf(path), cookie: cookieOf(path), view: viewOf(path), boot: bootId() };
}

/** The place of a namespace. `gone` = ended with its contents, `elsewhere` = unknown from here. */
export function whereIs(place: NamespacePlace): 'here' | 'gone' | 'elsewhere' {
  if (place.boot !== bootId()) return 'gone';
  const now = namespacePlace(place.path);
  if (now.inode === place.inode && now.inode !== 0 && now.cookie === place.cookie) return 'here';
  return place.path !== null && now.view === place.view ? 'gone' : 'elsewhere';
}

function inodeOf(path: string | null): number {
  return statSync(path ?? '/proc/thread-self/ns/net', { throwIfNoEntry: false })?.ino ?? 0;
}

function cookieOf(path: string | null): string {
  const c = libc();
  const cookie = new BigUint64Array(1);
  try {
    const fd = inNamespace(path, () => c.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const [bytes, length] = [new Uint8Array(cookie.buffer), new Uint8Array(new Uint32Array([8]).buffer)];
    const result = c.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, bytes, length);
    c.close(fd);
    return result < 0 ? '' : String(cookie[0]);
  } catch {
    return '';
  }
}

function viewOf(path: string | null): string {
  if (path === null) return '';
  if (path.startsWith('/proc/')) return readlinkSync('/proc/self/ns/pid');
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  return folder === undefined ? '' : `${folder.dev}:${folder.ino}`;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
