import {isDeepStrictEqual} from 'node:util';
import {locate, type JsonMember, type JsonNode} from './json-document.ts';

export type Value = string | number | boolean | readonly Value[] | {readonly [key: string]: Value};

/** A path leads through a value that is not an object. `path` is dotted, and empty for the document itself. */
export class NotAnObject extends Error {
	override readonly name = 'NotAnObject';
	readonly path: string;

	constructor(path: readonly string[]) {
		super(`Not an object: ${path.join('.')}`);
		this.path = path.join('.');
	}
}

/** The value at `path` is not an array. */
export class NotAnArray extends Error {
	override readonly name = 'NotAnArray';
	readonly path: string;

	constructor(path: readonly string[]) {
		super(`Not an array: ${path.join('.')}`);
		this.path = path.join('.');
	}
}

/** The value at a path of names, or undefined. The text must be JSON; comments are allowed, and kept by the functions below. */
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
 * The text with `path` set to `value`, in the text's own indentation, and every other byte unchanged. Missing objects on the path
 * are created. Throws JsonFault or NotAnObject.
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

/** The text with `value` appended to the array at `path`, which is created if missing. Throws as setAt does, or NotAnArray. */
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
	return last === undefined ? insertFirst(text, node, written, depth) : insertAfter(text, last.end, written);
}

/** The text with the item at `index` of the array at `path` replaced; the item must exist. */
export function replaceItem(text: string, path: readonly string[], index: number, value: Value): string {
	const item = nodeAt(text, path)?.items?.[index];
	return item === undefined ? text : replaceNode(text, item, value, path.length + 1);
}

/** The text without that item; undoes what appendAt inserted, to the byte. */
export function removeItem(text: string, path: readonly string[], index: number): string {
	const node = nodeAt(text, path);
	return node === undefined ? text : cutOut(text, node, node.items ?? [], index);
}

/** `[start, end)`. */
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

/** The comments between two members or items, without the comma; empty if there are none. */
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

/** Like JSON.parse, uses the last of several members with the same name. */
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
	return last === undefined ? insertFirst(text, parent, written, depth) : insertAfter(text, last.value.end, written);
}

/** Inserts into an object or array that is empty or contains only comments. */
function insertFirst(text: string, node: JsonNode, written: string, depth: number): string {
	const {indent, newline} = formOf(text);
	const opening = text.slice(0, node.end - 1).trimEnd();
	return `${opening}${written}${newline}${indent.repeat(depth - 1)}${text.slice(node.end - 1)}`;
}

/** Inserts after the last member or item, which ends at `end`, and after a comment on the same line, which belongs to it. */
function insertAfter(text: string, end: number, written: string): string {
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

/** The formatting of the text: its first indentation and its line breaks. */
function formOf(text: string): {indent: string; newline: string} {
	return {
		indent: /^[ \t]+(?=")/m.exec(text)?.[0] ?? '  ',
		newline: text.includes('\r\n') ? '\r\n' : '\n',
	};
}
