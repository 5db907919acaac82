import type { Flow } from '../core/model/plan.js';

/** A probe that was read; void at the next. */
export interface PlannedProbe {
  readonly flow: Flow;
  readonly sequence: number;
  readonly form: 'as-sent';
}
