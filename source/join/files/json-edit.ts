import {isDeepStrictEqual} from 'node:util';
import {locate, type JsonMember, type JsonNode} from './json-document.ts';

export type Value = string | number | boolean | readonly Value[] | {readonly [key: string]: Value};

/** The way to a member leads through something that is no object; `path` is dotted, empty for the document itself. */
export class NotAnObject extends Error {
	override readonly name = 'NotAnObject';
	readonly path: string;

	constructor(path: readonly string[]) {
		super(`Not an object: ${path.join('.')}`);
		this.path = path.join('.');
	}
}

/** What stands at `path` should be an array and is none. */
export class NotAnArray extends Error {
	override readonly name = 'NotAnArray';
	readonly path: string;

	constructor(path: readonly string[]) {
		super(`Not an array: ${path.join('.')}`);
		this.path = path.join('.');
	}
}

/** The value at a path of names, or undefined. The text must be JSON; here as below, comments are kept where they stand. */
export function valueAt(text: string, path: readonly string[]): unknown {
	const node = nodeAt(text, path);
	return node === undefined ? undefined : valueOf(text, node);
}

function valueOf(text: string, node: JsonNode): unknown {
	if (node.items !== null) return node.items.map(item => valueOf(text, item));
	if (node.members !== null) return Object.fromEntries(node.members.map(({key, value}) => [key, valueOf(text, value)]));
	return JSON.parse(text.slice(node.start, node.end));
}

function read(text: string): JsonNode {
	return locate(text, {comments: true});
}

/**
 * The text with `path` set to `value`, in the text's own indentation; every other byte stays as it is. Objects on the way
 * are made when they are missing. Throws JsonFault or NotAnObject.
 */
export function setAt(text: string, path: readonly string[], value: Value): string {
	const root = read(text);
	let parent = root;
	for (const [depth, key] of path.entries()) {
		if (parent.members === null) throw new NotAnObject(path.slice(0, depth));
		const member = findMember(parent, key);
		const missing = path.slice(depth + 1).reduceRight<Value>((inner, name) => ({[name]: inner}), value);
		if (member === undefined) return insert(text, parent, key, missing, depth + 1);
		if (depth === path.length - 1) return replaceNode(text, member.value, value, depth + 1);
		parent = member.value;
	}
	return text;
}

/** The text without the member at `path`; undoes what setAt inserted, to the byte. */
export function removeAt(text: string, path: readonly string[]): string {
	const parent = nodeAt(text, path.slice(0, -1));
	const members = (parent?.members ?? []).map(({start, value}) => ({start, end: value.end}));
	const index = parent?.members?.findLastIndex(({key}) => key === path.at(-1)) ?? -1;
	return parent === undefined ? text : cutOut(text, parent, members, index);
}

/** The text with `value` as the last item of the array at `path`, which is made when it is missing. Throws as setAt does, or NotAnArray. */
export function appendAt(text: string, path: readonly string[], value: Value): string {
	const node = nodeAt(text, path);
	if (node === undefined) return setAt(text, path, [value]);
	if (node.items === null) throw new NotAnArray(path);
	const last = node.items.at(-1);
	if (last !== undefined && !text.slice(node.start, node.end).includes('\n')) {
		return `${text.slice(0, last.end)}, ${JSON.stringify(value)}${text.slice(last.end)}`;
	}
	const {indent, newline} = formOf(text);
	const depth = path.length + 1;
	const written = `${newline}${indent.repeat(depth)}${format(value, depth, indent, newline)}`;
	return last === undefined ? fill(text, node, written, depth) : follow(text, last.end, written);
}

/** The text with another item at `index` of the array at `path`, which must be there. */
export function replaceItem(text: string, path: readonly string[], index: number, value: Value): string {
	const item = nodeAt(text, path)?.items?.[index];
	return item === undefined ? text : replaceNode(text, item, value, path.length + 1);
}

/** The text without that item; undoes what appendAt inserted, to the byte. */
export function removeItem(text: string, path: readonly string[], index: number): string {
	const node = nodeAt(text, path);
	return node === undefined ? text : cutOut(text, node, node.items ?? [], index);
}

/** From its first character to behind its last. */
type Span = Pick<JsonNode, 'start' | 'end'>;

/** The text without one of the members or items of `node`; comments around it stay. */
function cutOut(text: string, node: JsonNode, spans: readonly Span[], index: number): string {
	const span = spans[index];
	if (span === undefined) return text;
	const before = spans[index - 1];
	const after = spans[index + 1];
	if (before !== undefined && (after === undefined || !hasComment(text.slice(before.end, span.start)))) {
		const rest = text.slice(span.end);
		const kept = commentsOf(text.slice(before.end, span.start));
		return text.slice(0, before.end) + (/^[ \t]*\r?\n/.test(rest) ? kept.trimEnd() : kept) + rest;
	}
	if (after !== undefined) {
		return (
			text.slice(0, span.start) + commentsOf(text.slice(span.end, after.start)).trimStart() + text.slice(after.start)
		);
	}
	const opening = text.slice(node.start, span.start).trimEnd();
	const closing = text.slice(span.end, node.end);
	return (
		text.slice(0, node.start) + opening + (opening.length === 1 ? closing.trimStart() : closing) + text.slice(node.end)
	);
}

/** What stands between two members or items but for the comma: comments, or nothing. */
function commentsOf(gap: string): string {
	return hasComment(gap) ? gap.replace(/^((?:\s|\/\/[^\r\n]*|\/\*[^]*?\*\/)*),/, '$1') : '';
}

function hasComment(gap: string): boolean {
	return gap.includes('/');
}

function nodeAt(text: string, path: readonly string[]): JsonNode | undefined {
	let node: JsonNode | undefined = read(text);
	for (const key of path) node = findMember(node, key)?.value;
	return node;
}

/** JSON.parse takes the last of several members of one name: so do we. */
function findMember(node: JsonNode | undefined, key: string): JsonMember | undefined {
	return node?.members?.findLast(member => member.key === key);
}

function insert(text: string, parent: JsonNode, key: string, value: Value, depth: number): string {
	const last = parent.members?.at(-1);
	const inner = text.slice(parent.start, parent.end);
	if (last !== undefined && !inner.includes('\n')) {
		const written = `, ${JSON.stringify(key)}: ${JSON.stringify(value)}`;
		return text.slice(0, last.value.end) + written + text.slice(last.value.end);
	}
	const {indent, newline} = formOf(text);
	const written = `${newline}${indent.repeat(depth)}${JSON.stringify(key)}: ${format(value, depth, indent, newline)}`;
	return last === undefined ? fill(text, parent, written, depth) : follow(text, last.value.end, written);
}

/** Into an object or array that holds nothing, or comments alone. */
function fill(text: string, node: JsonNode, written: string, depth: number): string {
	const {indent, newline} = formOf(text);
	const opening = text.slice(0, node.end - 1).trimEnd();
	return `${opening}${written}${newline}${indent.repeat(depth - 1)}${text.slice(node.end - 1)}`;
}

/** Behind the last member or item, which ends at `end`, and behind a comment on its line, which is about that. */
function follow(text: string, end: number, written: string): string {
	const [comment = ''] = /^[ \t]*(?:\/\/[^\r\n]*|\/\*[^\n]*?\*\/)/.exec(text.slice(end)) ?? [];
	return `${text.slice(0, end)},${comment}${written}${text.slice(end + comment.length)}`;
}

function replaceNode(text: string, node: JsonNode, value: Value, depth: number): string {
	if (isDeepStrictEqual(valueOf(text, node), value)) return text;
	const {indent, newline} = formOf(text);
	return text.slice(0, node.start) + format(value, depth, indent, newline) + text.slice(node.end);
}

function format(value: Value, depth: number, indent: string, newline: string): string {
	return JSON.stringify(value, null, indent).replaceAll('\n', `${newline}${indent.repeat(depth)}`);
}

/** As the text is written: its first indentation, its line breaks. */
function formOf(text: string): {indent: string; newline: string} {
	return {
		indent: /^[ \t]+(?=")/m.exec(text)?.[0] ?? '  ',
		newline: text.includes('\r\n') ? '\r\n' : '\n',
	};
}
