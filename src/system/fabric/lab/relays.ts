import type { FaultCode } from '../../../core/model/reasons.js';
import { placeOf } from '../../../core/model/attach.js';
import type { Endpoint } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { disableSegmentation } from './endpoints.js';

/** A bridge device and the host end of an endpoint's link. */
export interface RelaySpec {
  readonly bridge: string;
  readonly device: string;
  readonly macs: readonly string[];
  readonly everything: boolean;
}

/** A running relay process. */
export interface RelayHandle {
  stop(): Promise<void>;
  /** Unexpected end or lost frames since the last call. */
  faults(): readonly { readonly code: FaultCode; readonly text: string }[];
}

/** An endpoint with `attach: promiscuous` exists while its relay runs. */
export interface Relays {
  start(endpoint: Endpoint): Promise<void>;
  stop(endpoint: Endpoint): Promise<void>;
  faults(): readonly { readonly code: FaultCode; readonly text: string }[];
  close(): Promise<void>;
}

export function makeRelays(startRelay: (spec: RelaySpec) => Promise<RelayHandle>): Relays {
  const running = new Map<string, RelayHandle>();
  const end = async (name: string): Promise<void> => {
    const relay = running.get(name);
    running.delete(name);
    await relay?.stop();
  };
  return {
    start: async (endpoint) => {
      if (placeOf(endpoint.attach) !== 'behind') return;
      if (endpoint.port === null)
        throw new VerifyError(
          'scenario',
          64,
          `${endpoint.name} is behind the bridge device but names no port`,
          'give it `port`: the name of the relay’s guest side',
        );
      const spec = {
        bridge: endpoint.bridge,
        device: endpoint.port,
        macs: endpoint.macs,
        everything: endpoint.promiscuous,
      };
      disableSegmentation(null, [spec.bridge, spec.device]);
      running.set(endpoint.name, await startRelay(spec));
    },
    stop: (endpoint) => end(endpoint.name),
    faults: () =>
      [...running].flatMap(([name, relay]) =>
        relay.faults().map(({ code, text }) => ({ code, text: `${name}: ${text}` })),
      ),
    close: async () => {
      await Promise.all([...running.keys()].map(end));
    },
  };
}
