import type {MarkedToken, Tokens} from 'marked';
import {p, printable, type Printable} from '../../printable.ts';
import {textWidth, type Span} from '../screen/strip.ts';
import {linked, style, type Style} from '../screen/style.ts';
import {theme} from '../settings/theme.ts';
import {namesTarget, webAddress} from './link.ts';
import {notableSpans, mergeStyles} from './notable.ts';

const strong = style({bold: true});
const emphasis = style({italic: true});
const struck = style({strike: true});
/** How much of a target is shown that is not a web address. */
const maxTargetLength = 80;

/** Inline tokens as spans, one list per line. */
export function inlineLines(tokens: readonly MarkedToken[], base: Style): Span[][] {
	const lines: Span[][] = [[]];
	append(lines, tokens, base);
	return lines;
}

function append(lines: Span[][], tokens: readonly MarkedToken[], base: Style): void {
	for (const token of tokens) {
		switch (token.type) {
			case 'br':
				lines.push([]);
				break;
			case 'strong':
				append(lines, token.tokens as MarkedToken[], mergeStyles(base, strong));
				break;
			case 'em':
				append(lines, token.tokens as MarkedToken[], mergeStyles(base, emphasis));
				break;
			case 'del':
				append(lines, token.tokens as MarkedToken[], mergeStyles(base, struck));
				break;
			case 'codespan':
				add(lines, [{text: p` ${oneLine(token.text)} `, style: mergeStyles(base, theme.code)}]);
				break;
			case 'link':
			case 'image':
				appendLink(lines, token, base);
				break;
			case 'escape':
				appendText(lines, token.text, base);
				break;
			// Use `raw`, because the lexer decodes entities in `text`: `&#27;` must not become an escape.
			case 'text':
			// Raw HTML is shown as text. The block tokens never occur within a line.
			case 'html':
			case 'blockquote':
			case 'checkbox':
			case 'code':
			case 'def':
			case 'heading':
			case 'hr':
			case 'list':
			case 'list_item':
			case 'paragraph':
			case 'space':
			case 'table':
				appendText(lines, token.raw, base);
		}
	}
}

function appendText(lines: Span[][], text: string, base: Style): void {
	for (const [index, line] of text.split('\n').entries()) {
		if (index > 0) lines.push([]);
		add(lines, notableSpans(printable(line), base));
	}
}

/** A link's text, followed by the host unless the text says the same, because the text may lie about the target. */
function appendLink(lines: Span[][], {type, href, text, tokens}: Tokens.Link | Tokens.Image, base: Style): void {
	const url = webAddress(href);
	const inner = type === 'image' ? [] : (tokens as MarkedToken[]);
	const label: Span[][] = [[]];
	if (type === 'image') add(label, [{text: oneLine(text === '' ? 'image' : text), style: base}]);
	else append(label, inner, base);
	for (const [index, line] of label.entries()) {
		if (index > 0) lines.push([]);
		add(
			lines,
			url === null
				? line
				: line.map(span => ({text: span.text, style: linked(mergeStyles(span.style, theme.link), url.href)})),
		);
	}
	const target = url === null ? plainTarget(href, text) : namesTarget(text, url) ? p`` : printable(url.host);
	if (target !== '') add(lines, [{text: p` (${target})`, style: mergeStyles(base, theme.grey)}]);
}

/** The target of a link that is not a web address, but a path or another scheme. Empty if the text already says it. */
function plainTarget(href: string, text: string): Printable {
	if (href === '' || href === text || href === `mailto:${text}`) return p``;
	const target = oneLine(href);
	return textWidth(target) <= maxTargetLength ? target : p`${target.slice(0, maxTargetLength)}…`;
}

/** Makes the text printable again, whatever the lexer made of it. */
function oneLine(text: string): Printable {
	return printable(text.replaceAll('\n', ' '));
}

function add(lines: Span[][], spans: readonly Span[]): void {
	lines.at(-1)?.push(...spans);
}
