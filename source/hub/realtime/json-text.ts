import {closingQuote} from '../database/closing-quote.ts';

/**
 * A JSON value in its original text, so that values which only pass through are not parsed, and numbers keep all their digits. It must be
 * valid JSON, checked by JSON.parse or PostgreSQL.
 */
export type JsonText = string;

/** The elements of an array. */
export function elements(array: JsonText): JsonText[] {
	return parts(array);
}

/** The members of an object, by name; of duplicates the last, as with JSON.parse. */
export function members(object: JsonText): Map<string, JsonText> {
	const found = new Map<string, JsonText>();
	for (const part of parts(object)) {
		const end = stringEnd(part, 0);
		found.set(JSON.parse(part.slice(0, end)) as string, part.slice(part.indexOf(':', end) + 1).trim());
	}
	return found;
}

/** An object with these members. */
export function objectText(entries: Iterable<readonly [string, JsonText]>): JsonText {
	const texts: string[] = [];
	for (const [name, text] of entries) texts.push(`${JSON.stringify(name)}:${text}`);
	return `{${texts.join(',')}}`;
}

/** The contents of the outermost brackets, split at the commas. */
function parts(text: JsonText): string[] {
	const found: string[] = [];
	let depth = 0;
	let start = 0;
	for (let at = 0; at < text.length; at++) {
		switch (text.charCodeAt(at)) {
			case 0x22: // "
				at = stringEnd(text, at) - 1;
				break;
			case 0x5b: // [
			case 0x7b: // {
				if (depth++ === 0) start = at + 1;
				break;
			case 0x5d: // ]
			case 0x7d: // }
				if (--depth === 0) {
					const last = text.slice(start, at).trim();
					if (last !== '' || found.length > 0) found.push(last);
				}
				break;
			case 0x2c: // ,
				if (depth === 1) {
					found.push(text.slice(start, at).trim());
					start = at + 1;
				}
				break;
			default:
		}
	}
	return found;
}

/** The index after the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
	const end = closingQuote(text, start);
	return end === -1 ? text.length : end + 1;
}
