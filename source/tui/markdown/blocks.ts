import type {MarkedToken, Tokens} from 'marked';
import {p, printable, printableLines} from '../../printable.ts';
import {clip, joinStrips, strip, type Span, type Strip} from '../screen/strip.ts';
import {style} from '../screen/style.ts';
import {wrap} from '../screen/wrap.ts';
import {theme} from '../settings/theme.ts';
import {codeLines} from './code.ts';
import type {Document} from './document.ts';
import {inlineLines} from './inline.ts';
import {notableSpans, mergeStyles} from './notable.ts';
import type {Setting} from './setting.ts';
import {tableLines} from './table.ts';

const blank: Strip = strip([]);
const title = style({bold: true, underline: true});
const endsBlank = /\n[ ]*\n\s*$/u;
/** The minimum width; nothing is indented further. */
const minWidth = 12;

/** Generates a document's lines lazily. No line is wider than the setting or contains control characters. */
export function* documentLines(document: Document, setting: Setting): Generator<Strip> {
	yield* blockLines(document, document.blocks, setting);
	const maxLength = setting.maxLines * setting.width;
	for (const line of document.rest) {
		const text = line.length > maxLength ? `${line.slice(0, maxLength)}…` : line;
		for (const safe of printableLines(text)) yield* wrap(strip(notableSpans(safe, setting.base)), setting.width);
	}
}

/** Blocks below each other, with an empty line where the author left one. */
function* blockLines(document: Document, blocks: readonly MarkedToken[], setting: Setting): Generator<Strip> {
	let begun = false;
	let gap = false;
	for (const block of blocks) {
		if (block.type === 'space') {
			gap = begun;
			continue;
		}
		if (gap) yield blank;
		yield* linesOf(document, block, setting);
		begun = true;
		gap = endsBlank.test(block.raw);
	}
}

function* linesOf(document: Document, block: MarkedToken, setting: Setting): Generator<Strip> {
	const {width, base} = setting;
	switch (block.type) {
		case 'heading':
			return yield* inlineStrips(document, block.text, {
				...setting,
				base: mergeStyles(base, block.depth === 1 ? title : theme.strong),
			});
		case 'paragraph':
		case 'text':
			return yield* inlineStrips(document, block.text, setting);
		case 'code':
			return yield* codeLines(document, block, setting);
		case 'list':
			return yield* listLines(document, block, setting);
		case 'blockquote': {
			const bar = strip([{text: p`▏ `, style: theme.faint}]);
			const inside = {...setting, width: inner(width, 2), base: mergeStyles(base, theme.grey)};
			for (const line of blockLines(document, block.tokens as MarkedToken[], inside)) {
				yield clip(joinStrips(bar, line), width);
			}
			return;
		}
		case 'table':
			return yield* tableLines(document, block, setting);
		case 'hr':
			yield strip([{text: p`─`.repeat(width), style: theme.faint}]);
			return;
		// Raw HTML and link definitions are shown as text. The inline tokens never occur as blocks.
		case 'html':
		case 'def':
		case 'br':
		case 'checkbox':
		case 'codespan':
		case 'del':
		case 'em':
		case 'escape':
		case 'image':
		case 'link':
		case 'list_item':
		case 'space':
		case 'strong':
			for (const line of block.raw.trimEnd().split('\n'))
				yield* wrap(strip(notableSpans(printable(line), base)), width);
	}
}

function* inlineStrips(document: Document, text: string, {width, base}: Setting): Generator<Strip> {
	for (const line of inlineLines(document.inline(text), base)) yield* wrap(strip(line), width);
}

/** Items after their bullets, numbers or boxes, with further lines aligned to the text. */
function* listLines(document: Document, list: Tokens.List, setting: Setting): Generator<Strip> {
	const first = list.start === '' ? 1 : list.start;
	const numberWidth = list.ordered ? String(first + list.items.length - 1).length + 2 : 2;
	for (const [index, item] of list.items.entries()) {
		const sign = list.ordered ? p`${first + index}. `.padStart(numberWidth) : p`· `;
		const mark: Span[] = item.task
			? [
					{text: list.ordered ? sign : p``, style: theme.grey},
					item.checked === true ? {text: p`✓ `, style: theme.good} : {text: p`○ `, style: theme.grey},
				]
			: [{text: sign, style: theme.grey}];
		const head = strip(mark);
		const below = strip([{text: p` `.repeat(head.glyphs.length), style: theme.text}]);
		const inside = {...setting, width: inner(setting.width, head.glyphs.length)};
		let begun = false;
		for (const line of blockLines(document, contentsOf(item), inside)) {
			yield clip(joinStrips(begun ? below : head, line), setting.width);
			begun = true;
		}
		if (!begun) yield head;
		if (index < list.items.length - 1 && endsBlank.test(item.raw)) yield blank;
	}
}

/** The contents of an item without its checkbox, which is drawn as its mark. In a loose list, the lexer also leaves it in the text. */
function contentsOf({tokens, task}: Tokens.ListItem): MarkedToken[] {
	const contents = (tokens as MarkedToken[]).filter(({type}) => type !== 'checkbox');
	const [first] = contents;
	if (!task || (first?.type !== 'paragraph' && first?.type !== 'text')) return contents;
	return [{...first, text: first.text.replace(/^\[[ xX]\] +/u, '')}, ...contents.slice(1)];
}

/** The width left after a mark, but at least the minimum; lines that do not fit are then cut. */
function inner(width: number, taken: number): number {
	return Math.max(minWidth, width - taken);
}
