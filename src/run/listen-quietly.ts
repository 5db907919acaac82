import type { ListeningPort } from '../core/discover/listening-ports.js';
import type { Counters, Fault } from '../core/model/timeline.js';
import { chooseEngine } from '../system/capture/choose-engine.js';
import type { Devices } from './devices.js';

export interface QuietListening {
  readonly ports: readonly ListeningPort[];
  readonly bridge: string;
  /** Of the bridge. null = this process's. */
  readonly netns: string | null;
  readonly file: string;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  readonly payload: boolean;
  /** Called once every port listens. */
  readonly until: () => Promise<void>;
}

export interface QuietlyHeard {
  readonly faults: readonly Fault[];
  readonly counters: Readonly<Record<string, Counters>>;
}

/** Includes tags and options. */
const headersOnly = 160;
const wholeFrames = 262_144;
/** Rings of all handles. Each port has two. */
const memoryBudget = 256 * 1024 * 1024;
const ring = { libpcap: 8 * 1024 * 1024, cap: 10 * 1024 * 1024 } as const;

/**
 * Captures at every port of a bridge, both directions, and sends nothing. The file has an interface for each port, in
 * order.
 */
export async function listenQuietly(listening: QuietListening, devices: Devices): Promise<QuietlyHeard> {
  const { ports, bridge, netns, file } = listening;
  const { name } = chooseEngine(listening.engine);
  const faults: Fault[] = [];
  const capture = await devices.startCapture({ netns, file });
  capture.onFault((fault) => faults.push(fault));
  try {
    await capture.open(
      ports.map((port) => ({
        observer: port.name,
        device: port.port,
        watch: 'port',
        engine: name,
        macs: [],
        filter: '',
        snaplen: listening.payload ? wholeFrames : headersOnly,
        buffer: Math.min(ring[name], Math.floor(memoryBudget / (2 * ports.length))),
        description: `${port.name} (${port.role}) on ${bridge}, nothing was sent`,
      })),
    );
    await capture.seal();
    await listening.until();
    const { counters } = await capture.stop();
    return { faults, counters };
  } catch (error) {
    capture.kill();
    throw error;
  }
}
