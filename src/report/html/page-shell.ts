import { createHash } from 'node:crypto';
import { html, type Markup } from './markup.js';
import { style } from './style.js';

export interface PageParts {
  readonly title: string;
  readonly nav: readonly Markup[];
  readonly content: readonly Markup[];
  readonly foot: string;
}

/** One self-contained page: no script, nothing loaded, and a policy that lets a browser do neither. */
export function pageShell({ title, nav, content, foot }: PageParts): string {
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`;
  return `${
    html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${{ markup: policy }}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer"><title>${title} · verify-isolation</title><style>${{ markup: style }}</style></head>
<body><a class="skip" href="#content">Skip to the verdict</a><nav aria-label="On this page">${nav}</nav><main id="content">${content}</main><footer><p class="soft">${foot}</p><p class="soft paper">On paper hashes, frames, the timeline and states are left out: they stand in report.html.</p></footer></body></html>`
      .markup
  }\n`;
}
