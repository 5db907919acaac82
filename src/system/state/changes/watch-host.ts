import type { PacketSocket } from '../../../core/model/packet-socket.js';
import type { RuleChange, SettingChange } from '../../../core/model/timeline.js';
import { watchPacketSockets } from '../read-packet-sockets.js';
import { watchRuleChanges } from './rule-changes.js';
import { watchSettingChanges } from './setting-changes.js';

/** What is heard changing in one network namespace of this machine. */
export interface HostWatch {
  /** Rules and settings since it was asked last, packet sockets since it was opened; what could not be heard. */
  take(): {
    readonly rules: readonly RuleChange[];
    readonly settings: readonly SettingChange[];
    readonly sockets: readonly PacketSocket[];
    readonly unheard: readonly string[];
  };
  close(): void;
}

/** Listens; `netns` null = the caller's namespace, `routed`: also to routes (watchSettingChanges). */
export function watchHost(netns: string | null, routed: boolean): HostWatch {
  const [rules, settings, sockets] = [
    watchRuleChanges(netns),
    watchSettingChanges(netns, routed),
    watchPacketSockets(netns),
  ];
  return {
    take: () => ({
      rules: rules.take(),
      settings: settings.take(),
      sockets: [...sockets.take()],
      unheard: [...new Set([rules, settings, sockets].flatMap((watch) => watch.unheard()))],
    }),
    close: () => [rules, settings, sockets].forEach((watch) => watch.close()),
  };
}
