import { word } from '../audit/shell-word.js';
import type { LastingFix } from '../core/model/persistent-fix.js';
import { commandOf } from './command-of.js';
import { fileWord } from './file-word.js';
import type { Wanted } from './wanted.js';

/**
 * A script that NetworkManager runs when it has brought a device up (NetworkManager-dispatcher(8)), for what its
 * profiles cannot say. `by`: who keeps the device and has no option for it. A port is up after it has joined its
 * bridge.
 */
export function dispatcherScript(by: string, device: string, wanted: readonly Wanted[]): LastingFix {
  return {
    by,
    device,
    where: `/etc/NetworkManager/dispatcher.d/50-isolation-${fileWord(device)}`,
    form: [
      '#!/bin/sh',
      `[ "$1 $2" = ${word(`${device} up`)} ] || exit 0`,
      ...wanted.map((one) => commandOf(one, word(device))),
    ].join('\n'),
    apply: 'chmod 755 it, as root; it acts when NetworkManager brings the device up again',
    note: 'profiles of NetworkManager have no option for it. Where the script is there, its commands go below those of the script',
  };
}
