import type { Capture } from '../system/capture/client.js';

/** `onCounts` of several captures that are one to the listener. */
export function sumCounts(captures: readonly Pick<Capture, 'onCounts'>[], listener: (taken: number) => void): void {
  const taken = captures.map(() => 0);
  captures.forEach((capture, at) =>
    capture.onCounts((now) => {
      taken[at] = now;
      listener(taken.reduce((sum, one) => sum + one, 0));
    }),
  );
}
