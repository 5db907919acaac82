import { z } from 'zod';

const result = z.object({
  steps: z.array(
    z.object({
      name: z.string(),
      verdict: z.string().nullable(),
      asExpected: z.boolean(),
      reasons: z.array(z.object({ code: z.string(), text: z.string() })),
      held: z
        .array(
          z.object({
            class: z.string(),
            observers: z.array(z.string()),
            barriers: z.array(z.object({ code: z.string() })),
          }),
        )
        .optional(),
      carriersApart: z
        .array(
          z.object({
            observers: z.array(z.string()),
            broken: z.array(z.string()),
            holds: z.array(z.string()),
            text: z.string(),
          }),
        )
        .optional(),
      exposures: z.array(z.object({ classes: z.array(z.string()) })).optional(),
      findings: z.array(
        z.object({
          class: z.string(),
          observer: z.string(),
          leak: z.boolean(),
          causes: z.array(z.object({ code: z.string(), fix: z.string() })),
        }),
      ),
    }),
  ),
});

/** What a test needs of `run --json`. */
export function parseResult(stdout: string): z.output<typeof result> {
  return result.parse(JSON.parse(stdout));
}
