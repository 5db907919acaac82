import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { SettingChange } from '../../../src/core/model/timeline.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { wordsOf } from './throw-away.js';
import { watchSettingChanges } from '../../../src/system/state/changes/setting-changes.js';

/** A bridge br0 with the port v0 in a network namespace whose settings are listened to. */
export interface WatchedBridge {
  /** Runs a program there, as a line or word by word, and gives what it prints. */
  run(...argv: readonly string[]): string;
  /** What was heard since it was last asked: the link's name and what changed; of sysctls their names. */
  heard(): readonly string[];
  /** The same as it was told. */
  changes(): readonly SettingChange[];
  close(): void;
}

/** `more`: words behind `type bridge`. */
export function watchedBridge(...more: readonly string[]): WatchedBridge {
  const namespace = newNamespace(disableIpv6);
  const run = (...argv: readonly string[]): string => {
    const [program = '', ...words] = wordsOf(argv);
    return inNamespaceFd(namespace, () => execFileSync(program, words, { encoding: 'utf8', stdio: 'pipe' }));
  };
  run('ip', 'link', 'add', 'dev', 'br0', 'up', 'type', 'bridge', ...more);
  run('ip', 'link', 'add', 'dev', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
  run('ip', 'link', 'set', 'dev', 'v0', 'master', 'br0', 'up');
  run('ip', 'link', 'set', 'dev', 'v1', 'up');
  const watch = watchSettingChanges(`/proc/${process.pid}/fd/${namespace}`, true);
  return {
    run,
    heard() {
      const links: readonly { readonly ifindex: number; readonly ifname: string }[] = JSON.parse(
        run('ip', '-j', 'link'),
      );
      return watch
        .take()
        .map(({ ifindex, what }) =>
          ifindex === null ? what : `${links.find((link) => link.ifindex === ifindex)?.ifname ?? '?'}: ${what}`,
        );
    },
    changes: () => watch.take(),
    close() {
      watch.close();
      closeSync(namespace);
    },
  };
}
