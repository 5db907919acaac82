/** What a run is doing right now, reported as it happens. A view may show it; nothing is judged by it. */
export type ProgressEvent =
  | {
      readonly kind: 'step';
      /** 0-based position of the step, and how many steps the run has. */
      readonly index: number;
      readonly of: number;
      readonly name: string;
      readonly phase: StepPhase;
      /** Free text, often empty: `1,200 of 3,000 frames`. Not escaped yet. */
      readonly detail: string;
    }
  | {
      /** A leak was seen at an observer for the first time in a step; it is not judged yet. */
      readonly kind: 'leak';
      /** 0-based position of the step. */
      readonly index: number;
      readonly observer: string;
      /** The step is there to show a leak. */
      readonly isExpected: boolean;
    }
  | { readonly kind: 'phase'; readonly name: 'building' | 'collating' | 'judging' }
  | { readonly kind: 'note'; readonly text: string };

export type StepPhase = 'preparing' | 'listening' | 'probing' | 'draining' | 'done';
