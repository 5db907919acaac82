/** For how long a ring may be left alone, learnt from how fast it fills. */
export interface RingRest {
  /** At `nowMs` so many blocks with so many octets were taken off the ring. */
  took(nowMs: number, blocks: number, octets: number): void;
  /** In ms; 0 = what comes next is to be taken at once. */
  restMs(): number;
}

/** Who sends as fast as is taken waits longer for counts (run/send/feedback.ts). */
export const mostRestMs = 30;
const windowMs = 60;
/** Of the ring, what may fill meanwhile: who sends as fast as is taken lets half of it fill. */
const share = 1 / 16;

/**
 * Waking costs more than what there is to do for a block or two. So a ring of `ringBlocks` that fills steadily, and
 * fast enough that a rest brings a block of `blockOctets`, rests after each draining; one that begins to fill, or
 * brings less than half a block after a rest, is drained at once, for somebody may wait for the last frames to be
 * counted.
 */
export function createRingRest(ringBlocks: number, blockOctets: number): RingRest {
  let restMs = 0;
  let window = { since: 0, blocks: 0, octets: 0 };

  return {
    took(nowMs, blocks, octets) {
      if (restMs > 0 && octets < blockOctets / 2) {
        restMs = 0;
        window = { since: nowMs, blocks: 0, octets: 0 };
        return;
      }
      window.blocks += blocks;
      window.octets += octets;
      const ms = nowMs - window.since;
      if (ms < windowMs) return;
      const fast = (window.octets / ms) * mostRestMs >= blockOctets;
      restMs = fast ? Math.min(mostRestMs, Math.floor((ringBlocks * share * ms) / window.blocks)) : 0;
      window = { since: nowMs, blocks: 0, octets: 0 };
    },
    restMs: () => restMs,
  };
}
