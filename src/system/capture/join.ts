import { VerifyError } from '../../core/model/verify-error.js';
import type { Captured } from '../../core/protocol/messages.js';
import { settleAll } from '../process/settle-all.js';
import type { Capture, CountedDevices } from './client.js';

/** A capture and its observers. */
export interface CapturePart {
  readonly capture: Capture;
  readonly observers: Pick<ReadonlySet<string>, 'has'>;
}

function together(stopped: readonly Captured[]): Captured {
  return {
    counters: Object.assign({}, ...stopped.map(({ counters }) => counters)),
    written: Object.assign({}, ...stopped.map(({ written }) => written)),
    kept: stopped.flatMap(({ kept }) => kept),
  };
}

function refuseStrays(parts: readonly CapturePart[], observers: Parameters<Capture['open']>[0]): void {
  const strays = observers.filter(({ observer }) => !parts.some((part) => part.observers.has(observer)));
  if (strays.length > 0)
    throw new VerifyError(
      'protocol',
      70,
      `no host captures for ${strays.map(({ observer }) => observer).join(', ')}`,
      'report this as a fault of verify-isolation',
    );
}

/**
 * Captures in several places as one. `open` and `seal` wait for all, so no probe precedes an observer. A lost part
 * reports faults and gives no counters. Throws VerifyError 70 for an observer without a capture.
 */
export function joinCaptures(parts: readonly CapturePart[]): Capture {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only.capture;
  const captures = parts.map(({ capture }) => capture);
  return {
    files: captures.flatMap(({ files }) => files),
    pids: () => captures.flatMap((capture) => capture.pids()),
    async open(observers) {
      refuseStrays(parts, observers);
      const opening = parts.map(({ capture, observers: ofPart }) =>
        capture.open(observers.filter(({ observer }) => ofPart.has(observer))),
      );
      return (await settleAll(opening)).flat();
    },
    async seal() {
      const sealed = await Promise.all(captures.map((capture) => capture.seal()));
      const [most] = [...sealed].sort((a, b) => b.capabilities.localeCompare(a.capabilities));
      return {
        uid: most?.uid ?? 0,
        capabilities: most?.capabilities ?? '',
        filtered: sealed.length > 0 && sealed.every(({ filtered }) => filtered),
      };
    },
    async mark(id, withAccounts) {
      return Object.assign({}, ...(await Promise.all(captures.map((capture) => capture.mark(id, withAccounts)))));
    },
    count(accounts) {
      for (const { capture, observers: ofPart } of parts) {
        const isOfPart = ({ observers }: CountedDevices): boolean => observers.every((name) => ofPart.has(name));
        capture.count(Object.fromEntries(Object.entries(accounts).filter(([, account]) => isOfPart(account))));
      }
    },
    async countThere(ports, pooled) {
      const counted = parts.map(({ capture, observers: ofPart }) => {
        const portsOfPart = ports.filter(({ observer }) => ofPart.has(observer));
        return capture.countThere(portsOfPart, pooled);
      });
      return Object.assign({}, ...(await Promise.all(counted)));
    },
    accounts: () => Object.assign({}, ...captures.map((capture) => capture.accounts())),
    async stop() {
      return together(await Promise.all(captures.map((capture) => capture.stop())));
    },
    ended: async () => void (await Promise.all(captures.map((capture) => capture.ended()))),
    onCounts(listener) {
      const taken = captures.map(() => 0);
      for (const [at, capture] of captures.entries())
        capture.onCounts((now) => {
          taken[at] = now;
          listener(taken.reduce((sum, count) => sum + count, 0));
        });
    },
    onFault: (listener) => captures.forEach((capture) => capture.onFault(listener)),
    kill: () => captures.forEach((capture) => capture.kill()),
  };
}
