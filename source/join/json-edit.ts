import {isDeepStrictEqual} from 'node:util';
import {locate, type JsonMember, type JsonNode} from './json-document.ts';

type Value = string | readonly Value[] | {readonly [key: string]: Value};

/** The way to a member leads through something that is no object; `path` is dotted, empty for the document itself. */
export class NotAnObject extends Error {
	override readonly name = 'NotAnObject';
	readonly path: string;

	constructor(path: readonly string[]) {
		super(`Not an object: ${path.join('.')}`);
		this.path = path.join('.');
	}
}

/** The value at a path of names, or undefined. The text must be JSON. */
export function valueAt(text: string, path: readonly string[]): unknown {
	let node: JsonNode | undefined = locate(text);
	for (const key of path) node = findMember(node, key)?.value;
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
		if (depth === path.length - 1) return replace(text, member, value, depth + 1);
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

function replace(text: string, {value: node}: JsonMember, value: Value, depth: number): string {
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
