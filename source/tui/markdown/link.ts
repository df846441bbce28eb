import type {MarkedToken, Tokens} from 'marked';
import type {Document} from './document.ts';

/** Terminals reject longer addresses (VTE: 2,083). */
const maxLength = 2000;
const maxLinks = 50;

/** Parses the address of a link, as printing ASCII. Null unless it is an absolute http or https address. */
export function webAddress(href: string): URL | null {
	if (!/^https?:\/\//iu.test(href) || href.length > maxLength) return null;
	const url = URL.parse(href);
	return url === null || url.host === '' || url.href.length > maxLength ? null : url;
}

/** Whether a link's text already says where it leads. */
export function namesTarget(text: string, url: URL): boolean {
	if (url.username !== '' || url.password !== '' || !/^[!-~]+$/u.test(text)) return false;
	const typed = webAddress(/^https?:/iu.test(text) ? text : `https://${text}`);
	return typed !== null && typed.host === url.host && typed.pathname === url.pathname && typed.search === url.search;
}

/** The distinct web addresses of a document in order: those of links, and those in code. */
export function addressesOf(document: Document): string[] {
	const found = new Set<string>();
	const add = (href: string) => {
		const url = webAddress(href);
		if (url !== null && found.size < maxLinks) found.add(url.href);
	};
	const inText = (text: string) => {
		for (const [address] of text.matchAll(/https?:\/\/[^\s<>"'`)\]}]+/giu)) add(address.replace(/[.,:;!?]+$/u, ''));
	};
	const visit = (token: MarkedToken): void => {
		if (found.size >= maxLinks) return;
		switch (token.type) {
			case 'link':
			case 'image':
				return add(token.href);
			case 'code':
			case 'codespan':
			case 'html':
				return inText(token.text);
			case 'list':
				return token.items.forEach(item => (item.tokens as MarkedToken[]).forEach(visit));
			case 'blockquote':
				return (token.tokens as MarkedToken[]).forEach(visit);
			case 'table':
				return [token.header, ...token.rows].flat().forEach(({text}: Tokens.TableCell) => {
					document.inline(text).forEach(visit);
				});
			case 'heading':
			case 'paragraph':
				return document.inline(token.text).forEach(visit);
			case 'text':
				// In a list item, `text` has inline text still to parse; within a line it is plain.
				return token.tokens === undefined ? undefined : document.inline(token.text).forEach(visit);
			case 'strong':
			case 'em':
			case 'del':
				return (token.tokens as MarkedToken[]).forEach(visit);
			case 'br':
			case 'checkbox':
			case 'def':
			case 'escape':
			case 'hr':
			case 'list_item':
			case 'space':
		}
	};
	document.blocks.forEach(visit);
	document.rest.forEach(inText);
	return [...found];
}
