import { type Block, type Fact, type Section, type Text } from '../document.js';
import { html, type Markup, nothing, tones, wordMarkup } from './markup.js';

export type Pictures = Readonly<Record<Extract<Block, { kind: 'picture' }>['picture'], Markup>>;

function textMarkup(text: Text): Markup {
  if (typeof text === 'string') return html`${text}`;
  const parts = text.map((part) => {
    if (typeof part === 'string') return part;
    return 'code' in part ? html`<code>${part.code}</code>` : wordMarkup(part);
  });
  return html`${parts}`;
}

/** Each name once. */
export function factsMarkup(facts: readonly Fact[]): Markup {
  const entries = facts.map(([name, text], at) => {
    const term = name === facts[at - 1]?.[0] ? nothing : html`<dt>${name}</dt>`;
    return html`${term}<dd>${textMarkup(text)}</dd>`;
  });
  return html`<dl>${entries}</dl>`;
}

function tableMarkup({ columns, rows }: Extract<Block, { kind: 'table' }>, title: string): Markup {
  const body = rows.map((cells) => {
    const tags = cells.map((cell, at) => {
      if (at === 0) return html`<td class="n">${textMarkup(cell)}</td>`;
      return at === 1 ? html`<th scope="row">${textMarkup(cell)}</th>` : html`<td>${textMarkup(cell)}</td>`;
    });
    return html`<tr>${tags}</tr>`;
  });
  return html`<div class="wide" tabindex="0" role="region" aria-label="${title}, a table"><table><thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** Lines are escaped separately, so that breaks stay. */
function codeMarkup(text: string, title: string): Markup {
  const lines = text.split('\n').map((line, at) => html`${at === 0 ? nothing : { markup: '\n' }}${line}`);
  return html`<div class="wide" tabindex="0" role="region" aria-label="${title}"><pre>${lines}</pre></div>`;
}

function blockMarkup(block: Block, title: string, pictures: Pictures): Markup {
  switch (block.kind) {
    case 'heading':
      return html`<h3>${block.text}</h3>`;
    case 'sentence':
      return html`<p>${textMarkup(block.text)}</p>`;
    case 'facts':
      return factsMarkup(block.facts);
    case 'table':
      return tableMarkup(block, title);
    case 'code':
      return codeMarkup(block.text, title);
    case 'item':
      return html`<div class="leak ${tones[block.tint]}"><h3>${textMarkup(block.title)}</h3>${block.blocks.map((part) => blockMarkup(part, title, pictures))}</div>`;
    case 'picture':
      return pictures[block.picture];
  }
}

/** Folded beyond the first screen, until opened or printed. */
export function sectionMarkup({ id, title, depth, blocks }: Section, pictures: Pictures): Markup {
  const content = blocks.map((block, at) => blockMarkup(block, `${title} ${at + 1}`, pictures));
  const head = html`<h2 id="${id}-title">${title}</h2>`;
  if (depth === 'first') return html`<section id="${id}" aria-labelledby="${id}-title">${head}${content}</section>`;
  const look = depth === 'screen' ? { markup: ' class="screen"' } : nothing;
  return html`<section${look} aria-labelledby="${id}-title"><details><summary>${head}</summary><div id="${id}">${content}</div></details></section>`;
}
