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

/** The value at a path of names, or undefined. The text must be JSON. */
export function valueAt(text: string, path: readonly string[]): unknown {
	const node = nodeAt(text, path);
	return node === undefined ? undefined : JSON.parse(text.slice(node.start, node.end));
}

/**
 * The text with `path` set to `value`, in the text's own indentation; every other byte stays as it is. Objects on the way
 * are made when they are missing. Throws JsonFault or NotAnObject.
 */
export function setAt(text: string, path: readonly string[], value: Value): string {
	const root = locate(text);
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
	let parent: JsonNode | undefined = locate(text);
	for (const key of path.slice(0, -1)) parent = findMember(parent, key)?.value;
	const index = parent?.members?.findLastIndex(({key}) => key === path.at(-1)) ?? -1;
	const member = parent?.members?.[index];
	if (parent === undefined || parent.members === null || member === undefined) return text;
	const before = parent.members[index - 1];
	const after = parent.members[index + 1];
	if (before !== undefined) return text.slice(0, before.value.end) + text.slice(member.value.end);
	if (after !== undefined) return text.slice(0, member.start) + text.slice(after.start);
	return `${text.slice(0, parent.start)}{}${text.slice(parent.end)}`;
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
	if (last !== undefined) return `${text.slice(0, last.end)},${written}${text.slice(last.end)}`;
	return `${text.slice(0, node.start)}[${written}${newline}${indent.repeat(depth - 1)}]${text.slice(node.end)}`;
}

/** The text with another item at `index` of the array at `path`, which must be there. */
export function replaceItem(text: string, path: readonly string[], index: number, value: Value): string {
	const item = nodeAt(text, path)?.items?.[index];
	return item === undefined ? text : replaceNode(text, item, value, path.length + 1);
}

/** The text without that item; undoes what appendAt inserted, to the byte. */
export function removeItem(text: string, path: readonly string[], index: number): string {
	const node = nodeAt(text, path);
	const item = node?.items?.[index];
	if (node === undefined || item === undefined) return text;
	const before = node.items?.[index - 1];
	const after = node.items?.[index + 1];
	if (before !== undefined) return text.slice(0, before.end) + text.slice(item.end);
	if (after !== undefined) return text.slice(0, item.start) + text.slice(after.start);
	return `${text.slice(0, node.start)}[]${text.slice(node.end)}`;
}

function nodeAt(text: string, path: readonly string[]): JsonNode | undefined {
	let node: JsonNode | undefined = locate(text);
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
	if (last !== undefined) return `${text.slice(0, last.value.end)},${written}${text.slice(last.value.end)}`;
	return `${text.slice(0, parent.start)}{${written}${newline}${indent.repeat(depth - 1)}}${text.slice(parent.end)}`;
}

function replaceNode(text: string, node: JsonNode, value: Value, depth: number): string {
	const old = text.slice(node.start, node.end);
	if (isDeepStrictEqual(JSON.parse(old), value)) return text;
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
