import { closeSync, readlinkSync } from 'node:fs';
import type { Place } from '../../../core/model/fabric.js';
import type { Endpoint, IpPrefix } from '../../../core/model/scenario.js';
import { disableIpv6, inNamespace, newNamespace } from '../../kernel/namespaces.js';
import { writeSysctl } from '../../kernel/sysctl.js';

/** An endpoint's namespace and its interface's name there. */
export interface Space {
  readonly fd: number;
  /** `/proc/PID/fd/N`, for setns and `ip … netns` of other processes. */
  readonly path: string;
  readonly device: string;
}

/**
 * Anonymous namespaces, held by descriptors. Endpoints without addresses share one without a stack, where interfaces
 * have their ports' names.
 */
export interface Spaces {
  of(endpoint: Endpoint): Space;
  close(): void;
}

/** The process id by /proc, another namespace's in containers that allow no /proc of their own. */
export function procPid(): string {
  return readlinkSync('/proc/self');
}

export function makeSpaces(): Spaces {
  const spaces = new Map<string, number>();
  const pid = procPid();
  return {
    of: (endpoint) => {
      const alone = hasStack(endpoint);
      const key = alone ? `endpoint ${endpoint.name}` : 'without stack';
      let fd = spaces.get(key);
      if (fd === undefined) {
        const ipv6 = endpoint.ips.some(isIpv6);
        fd = newNamespace(ipv6 ? quietIpv6 : disableIpv6);
        spaces.set(key, fd);
      }
      return {
        fd,
        path: `/proc/${pid}/fd/${fd}`,
        device: alone && endpoint.below === undefined ? 'eth0' : (endpoint.port ?? endpoint.bridge),
      };
    },
    close: () => {
      for (const fd of spaces.values()) closeSync(fd);
      spaces.clear();
    },
  };
}

/** True if it answers ARP, serves and asks. */
export function hasStack(endpoint: Endpoint): boolean {
  return endpoint.ips.length > 0;
}

export function placeOfSpace(space: Space): Place {
  return { device: space.device, netns: space.path };
}

export function isIpv6(ip: IpPrefix): boolean {
  return ip.family === 6;
}

/** Without a link-local address later links send no solicitations. */
function quietIpv6(): void {
  writeSysctl(null, 'net.ipv6.conf.default.addr_gen_mode', '1');
  writeSysctl(null, 'net.ipv6.conf.default.accept_ra', '0');
}

/** Disables IPv6, except on bridges with an IPv6 address. */
export function quietHost(someIpv6: boolean): void {
  inNamespace(null, () => {
    if (!someIpv6) {
      disableIpv6();
      return;
    }
    quietIpv6();
    writeSysctl(null, 'net.ipv6.conf.default.disable_ipv6', '1');
  });
}
