import type { Counters } from '../../../core/model/timeline.js';
import { libpcap, type Pcap } from './libpcap-library.js';

/** libpcap's counters since the handle began to listen. */
export class LibpcapCounters {
  private readonly read: ReturnType<typeof statsOf>;
  private before = { received: 0, dropped: 0, delivered: 0 };

  constructor(pcap: Pcap) {
    this.read = statsOf(pcap);
  }

  since(delivered: number): Counters {
    const { received, dropped } = this.read();
    return {
      received: received - this.before.received,
      dropped: dropped - this.before.dropped,
      delivered: delivered - this.before.delivered,
    };
  }

  /** Gives the stale frames still to be taken, which count as received from now on. */
  begin(delivered: number): number {
    const { received, dropped } = this.read();
    const stale = received - dropped - delivered;
    this.before = { received: received - stale, dropped, delivered };
    return stale;
  }
}

/** pcap_stats has 32-bit counters, which wrap, and fails once the device is gone. */
function statsOf(pcap: Pcap): () => { readonly received: number; readonly dropped: number } {
  const raw = new Uint32Array(3);
  const bytes = new Uint8Array(raw.buffer);
  let [lastReceived, lastDropped, received, dropped] = [0, 0, 0, 0];
  return () => {
    if (libpcap().stats(pcap, bytes) === 0) {
      const [nowReceived = 0, nowDropped = 0] = raw;
      received += (nowReceived - lastReceived) >>> 0;
      dropped += (nowDropped - lastDropped) >>> 0;
      [lastReceived, lastDropped] = [nowReceived, nowDropped];
    }
    return { received, dropped };
  };
}
