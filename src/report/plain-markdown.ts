import { escapeText } from '../model/escape-text.js';

/** Text inside Markdown: no mark of it, no HTML and no mention of somebody acts. */
export function plainMarkdown(text: string): string {
  return escapeText(text).replace(/[\\`*_{}[\]()#+!|~<>&@$:]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
