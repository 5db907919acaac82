/** Notices that somebody who should speak does not. */
export interface SilenceWatch {
  heard(): void;
  stop(): void;
}

/**
 * Calls `silent` once for each silence longer than `mostMs` (null = never). A timer of ours that comes late says that
 * it was us who did not listen: then the time begins anew.
 */
export function watchSilence(mostMs: number | null, silent: (ms: number) => void): SilenceWatch {
  if (mostMs === null) return { heard: () => undefined, stop: () => undefined };
  const everyMs = mostMs / 4;
  let heardMs = performance.now();
  let lookedMs = heardMs;
  let told = false;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - lookedMs > 2 * everyMs) heardMs = nowMs;
    lookedMs = nowMs;
    if (told || nowMs - heardMs <= mostMs) return;
    told = true;
    silent(nowMs - heardMs);
  }, everyMs);
  timer.unref();
  return {
    heard() {
      heardMs = performance.now();
      told = false;
    },
    stop: () => clearInterval(timer),
  };
}
