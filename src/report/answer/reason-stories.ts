import { isReasonCode, reasonHints } from '../../core/judge/reasons.js';
import type { Result } from '../../core/model/result.js';

/** Why nothing is proven, each reason told once over steps and observers. */
export interface ReasonStory {
  readonly code: string;
  /** 0-based. */
  readonly steps: readonly number[];
  /** Empty where it concerns the step, or the run, as a whole. */
  readonly observers: readonly string[];
  /** Of its first occurrence. */
  readonly text: string;
  /** What to do about it; '' where that is not known. */
  readonly hint: string;
}

/** The reasons of a run by code, those that concern most steps first. */
export function reasonStories(result: Result): readonly ReasonStory[] {
  const stories = new Map<string, { steps: Set<number>; observers: Set<string>; text: string }>();
  result.steps.forEach((step, at) => {
    for (const { code, observer, text } of step.reasons) {
      let story = stories.get(code);
      if (story === undefined) stories.set(code, (story = { steps: new Set(), observers: new Set(), text }));
      story.steps.add(at);
      if (observer !== null) story.observers.add(observer);
    }
  });
  return [...stories]
    .map(([code, { steps, observers, text }]) => ({
      code,
      steps: [...steps],
      observers: [...observers],
      text,
      hint: isReasonCode(code) ? reasonHints[code] : '',
    }))
    .sort((a, b) => b.steps.length - a.steps.length);
}
