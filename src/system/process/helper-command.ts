import { readFileSync } from 'node:fs';
import type { HelperRole } from '../../core/protocol/messages.js';
import { packagePath } from './package-path.js';

/** Who a helper runs as: null = as the calling process does. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Under sudo the user who called it: a helper then owns what it writes and is nobody special. Otherwise null; so is a
 * user namespace, where setuid fails (one uid is mapped), and plain root, which stays uid 0 but can do nothing more
 * than a packet socket.
 */
export function helperIdentity(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Identity | null {
  if (process.getuid?.() !== 0 || inUserNamespace()) return null;
  const uid = Number(environment['SUDO_UID']);
  const gid = Number(environment['SUDO_GID'] ?? environment['SUDO_UID']);
  return Number.isSafeInteger(uid) && uid > 0 && Number.isSafeInteger(gid) && gid > 0 ? { uid, gid } : null;
}

function inUserNamespace(): boolean {
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
  } catch {
    return false;
  }
}

/** The one capability that a role needs: those that open packet sockets CAP_NET_RAW; who sends gets them open. */
const capabilityOf: { readonly [R in HelperRole]: 'net_raw' | null } = {
  capture: 'net_raw',
  relay: 'net_raw',
  send: null,
};

/**
 * The command of a helper that is born with one capability at most in all its threads (setpriv(1) of util-linux): a set
 * dropped later inside Node leaves other threads privileged. It lacks CAP_DAC_OVERRIDE as well, so root's helper may
 * write only where uid 0 owns the folder: the orchestrator opens files and passes descriptors. The kernel kills it
 * should the orchestrator's thread end.
 */
export function helperCommand(role: HelperRole, identity: Identity | null): readonly string[] {
  const needed = capabilityOf[role];
  const only = needed === null ? '-all' : `-all,+${needed}`;
  const become =
    identity === null
      ? ['--inh-caps=-all']
      : [
          `--reuid=${identity.uid}`,
          `--regid=${identity.gid}`,
          '--clear-groups',
          `--inh-caps=${only}`,
          `--ambient-caps=${only}`,
        ];
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    ...become,
    `--bounding-set=${only}`,
    '--no-new-privs',
    '--',
    process.execPath,
    helperPath,
    role,
  ];
}

/** The built program of every helper. */
export const helperPath = packagePath('dist/helper.cjs');
