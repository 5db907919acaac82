import { readFileSync } from 'node:fs';
import type { Who } from '../../core/model/run-record.js';

/** /proc/self/loginuid without a login. */
const unset = 0xffff_ffff;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** In the outer user namespace (user_namespaces(7), uid_map), null = none. */
export function outerUid(uid: number, uidMap: string): number | null {
  for (const line of uidMap.split('\n')) {
    const [inside, outside, count] = line.trim().split(/\s+/).map(Number);
    if (inside !== undefined && outside !== undefined && count !== undefined && uid >= inside && uid < inside + count)
      return outside + uid - inside;
  }
  return null;
}

/** In a user's lab that user, not the namespace's root. */
export function readWho(declared: { readonly operator: string | null; readonly ticket: string | null }): Who {
  const map = read('/proc/self/uid_map');
  const uid = process.getuid?.() ?? 0;
  const login = read('/proc/self/loginuid').trim();
  return {
    uid: outerUid(uid, map) ?? uid,
    loginUid: login === '' || Number(login) === unset ? null : outerUid(Number(login), map),
    sudoUser: process.env.SUDO_USER ?? null,
    ...declared,
  };
}
