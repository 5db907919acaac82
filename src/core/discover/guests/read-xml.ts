import sax from 'sax';

/** An element; `text` is its own, trimmed, without its children's. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

interface OpenElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

/** A domain with hundreds of devices has a tenth of it. */
const maxCharacters = 1024 * 1024;
const deepest = 64;

/**
 * Reads one XML document, strictly. A document type is refused, so that only the five predefined entities (XML 1.0,
 * 4.6) expand; so are sizes and depths beyond any guest's description. Throws Error with fault and place.
 */
export function readXml(text: string): XmlElement {
  if (text.length > maxCharacters)
    throw new Error(`${text.length} characters: more than the ${maxCharacters} that are read`);
  const parser = sax.parser(true, { trim: true });
  const refuse = (what: string): never => {
    throw new Error(`line ${parser.line + 1}: ${what}`);
  };
  const open: OpenElement[] = [];
  let root: XmlElement | null = null;
  const addText = (more: string): void => {
    const current = open.at(-1);
    if (current !== undefined) current.text += more;
  };
  parser.onerror = ({ message }) => refuse(message.split('\n')[0] ?? 'not XML');
  parser.ondoctype = () => refuse('a document type is not read');
  parser.onopentag = ({ name, attributes }) => {
    if (root !== null) refuse('a second root element');
    if (open.length >= deepest) refuse(`elements nested deeper than ${deepest}`);
    // xmlns is off, so that every value is text.
    open.push({
      name,
      attributes: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)])),
      children: [],
      text: '',
    });
  };
  parser.ontext = addText;
  parser.oncdata = addText;
  parser.onclosetag = () => {
    const closed = open.pop();
    if (closed === undefined) return;
    const parent = open.at(-1);
    if (parent === undefined) root = closed;
    else parent.children.push(closed);
  };
  parser.write(text).close();
  return root ?? refuse('no element');
}

/** Every descendant whose name without prefix is `name`. */
export function* elementsNamed(element: XmlElement, name: string): Generator<XmlElement> {
  for (const child of element.children) {
    if (child.name.slice(child.name.indexOf(':') + 1) === name) yield child;
    yield* elementsNamed(child, name);
  }
}

/** The first child of that name, prefix included. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}
