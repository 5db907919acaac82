import { word } from '../../text/escape.js';
import { segmentsBeside } from '../beside.js';
import { advice } from '../changes.js';
import type { Audited, HostRule } from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'guests-unbridged': 'finding';
    readonly 'vmnet-writable': 'finding';
    readonly 'vmnet-present': 'finding';
  }
}

const guestsUnbridgedRule: HostRule = ({ state, beside }) =>
  beside === undefined
    ? []
    : segmentsBeside(state, beside).map(({ place, value, text, command }) => ({
        severity: 'info',
        place,
        value,
        readFrom: 'ip -d link, ip route',
        text,
        probe: null,
        fix: command === null ? null : advice(command),
      }));

export const guestsUnbridged: Audited = {
  meaning:
    'Guests on a lower device, behind routes, or on a bridge in another network namespace are not examined here. The fix is the command that examines them, if there is one.',
  finding: { onHost: guestsUnbridgedRule },
};

/** VMware lets any user with write access to its device make a guest's adapter promiscuous. */
const vmnetWritableRule: HostRule = ({ vmnet }) =>
  vmnet
    .filter(({ mode }) => (mode & 0o002) !== 0)
    .map(({ path, mode, group }) => ({
      severity: 'high',
      place: path,
      value: `mode ${(mode & 0o777).toString(8)}, group ${group}`,
      readFrom: `stat ${path}`,
      text: "every user may switch a VMware guest's adapter to promiscuous mode",
      probe: null,
      fix: advice(`chgrp a group of trusted users ${word(path)}, then chmod 660 ${word(path)}`),
    }));

export const vmnetWritable: Audited = {
  meaning: 'Everybody may write to the devices of VMware: guests may become promiscuous.',
  finding: { onHost: vmnetWritableRule },
};

const vmnetPresentRule: HostRule = ({ vmnet }) =>
  vmnet.length === 0
    ? []
    : [
        {
          severity: 'info',
          place: '/dev/vmnet*',
          value: vmnet.map(({ path }) => path.replace('/dev/', '')).join(' '),
          readFrom: 'ls /dev',
          text: "VMware's networking is on this host. If it bridges a Linux bridge, every frame to its guests floods",
          probe: 'known-unicast',
          fix: null,
        },
      ];

export const vmnetPresent: Audited = {
  meaning: 'VMware networking is loaded: it may hold a bridge promiscuous.',
  finding: { onHost: vmnetPresentRule },
};
