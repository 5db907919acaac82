import type { Flow, Flows } from '../core/model/plan.js';

/**
 * The flow that a token belongs to; tokens number through, flow by flow. Where all flows are of one size no search is
 * needed.
 */
export function flowOfToken(flows: Flows, token: number): Flow | null {
  const start = flows.at(0);
  if (start === undefined || token < start.first) return null;
  let low = 0;
  let high = flows.length - 1;
  let guess = Math.floor((token - start.first) / Math.max(1, start.count));
  while (low <= high) {
    const middle = guess >= low && guess <= high ? guess : (low + high) >> 1;
    guess = -1;
    const flow = flows.at(middle);
    if (flow === undefined) return null;
    if (token < flow.first) high = middle - 1;
    else if (token >= flow.first + flow.count) low = middle + 1;
    else return flow;
  }
  return null;
}
