import {cutText} from '../../mailbox/text/excerpt.ts';
import type {Doing} from '../../mailbox/sight/sight.ts';
import {isMailText, isWakeText} from '../hook/mail.ts';
import {maskSecrets} from './mask.ts';

/*
 * What a line of a client's own record of its session says of what the agent does. The records are not documented: what is not known
 * is left out. Observed with Claude Code 2.1.330, Codex 0.169.0 and Gemini CLI 0.61.0.
 */

/** Bytes of UTF-8 of each text; together they fit into a row of 2 kB. */
const maxBytes = {tool: 100, argument: 400, said: 500, prompt: 400, model: 80} as const;

interface Fields {
	readonly [name: string]: unknown;
}

/** Reads one line, which may be damaged: empty then, and if it says nothing. */
export function readTranscriptLine(line: string): Partial<Doing> {
	// Most of the bytes are of lines that say nothing: snapshots of prompts, results of tools.
	if (!/"(?:assistant|user|last-prompt|cost-state|payload|gemini)"/.test(line)) return {};
	let value: unknown;
	try {
		value = JSON.parse(line);
	} catch {
		return {};
	}
	const entry = fieldsOf(value);
	if (entry['payload'] !== undefined) return codexLine(entry);
	if (entry['sessionId'] !== undefined) return claudeLine(entry);
	return entry['type'] === 'gemini' || entry['type'] === 'user' ? geminiLine(entry) : {};
}

function claudeLine(entry: Fields): Partial<Doing> {
	const {type, timestamp, isSidechain, isMeta, lastPrompt, totalCostUSD} = entry;
	// A subagent's, in older versions.
	if (isSidechain === true) return {};
	const base = {client: 'claude'};
	if (type === 'last-prompt') return {...base, ...promptOf(lastPrompt)};
	if (type === 'cost-state') return typeof totalCostUSD === 'number' ? {...base, cost: totalCostUSD} : {};
	const {content, model, usage} = fieldsOf(entry['message']);
	if (type === 'user') {
		const texts = isMeta === true || !isPrompt(content) ? null : textOf(content);
		return texts === null ? {} : {...base, ...promptOf(texts, timeOf(timestamp))};
	}
	// What the client itself says instead of its model, as of an error.
	if (type !== 'assistant' || model === '<synthetic>') return {};
	const said = saidOf(textOf(content), timeOf(timestamp));
	const tools = listOf(content).filter(block => block['type'] === 'tool_use');
	return {
		...base,
		...said,
		...toolOf(tools.at(-1), 'input', timeOf(timestamp)),
		...modelOf(model),
		...claudeUsage(usage),
	};
}

/** Not the results of tools. */
function isPrompt(content: unknown): boolean {
	return typeof content === 'string' || listOf(content).every(block => block['type'] === 'text');
}

function claudeUsage(usage: unknown): Partial<Doing> {
	const names = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'];
	return tokensOf(names.map(name => fieldsOf(usage)[name]));
}

function codexLine({type, timestamp, payload}: Fields): Partial<Doing> {
	const fields = fieldsOf(payload);
	const base = {client: 'codex'};
	const at = timeOf(timestamp);
	if (type === 'turn_context') return {...base, ...modelOf(fields['model'])};
	if (type === 'event_msg') {
		const {type: kind, message, item, info} = fields;
		if (kind === 'user_message') return {...base, ...promptOf(message, at)};
		if (kind === 'item_completed' && fieldsOf(item)['type'] === 'UserMessage')
			return {...base, ...promptOf(textOf(fieldsOf(item)['content']), at)};
		if (kind !== 'token_count') return {};
		const {last_token_usage: last, model_context_window: window} = fieldsOf(info);
		const max = typeof window === 'number' ? {context_window: window} : {};
		return {...base, ...tokensOf([fieldsOf(last)['total_tokens']]), ...max};
	}
	if (type !== 'response_item') return {};
	const {type: kind, role, content} = fields;
	if (kind === 'message') return role === 'assistant' ? {...base, ...saidOf(textOf(content), at)} : {};
	if (kind === 'function_call') return {...base, ...toolOf({...fields, args: parsed(fields['arguments'])}, 'args', at)};
	if (kind === 'custom_tool_call') return {...base, ...toolOf(fields, 'input', at)};
	return kind === 'local_shell_call' ? {...base, ...toolOf({...fields, name: 'shell'}, 'action', at)} : {};
}

function geminiLine({type, timestamp, content, model, tokens, toolCalls}: Fields): Partial<Doing> {
	const base = {client: 'gemini'};
	const at = timeOf(timestamp);
	if (type === 'user') {
		const isTyped = listOf(content).every(part => typeof part['text'] === 'string');
		return isTyped ? {...base, ...promptOf(textOf(content), at)} : {};
	}
	const last = listOf(toolCalls).at(-1);
	return {
		...base,
		...saidOf(textOf(content), at),
		...toolOf(last, 'args', timeOf(last?.['timestamp']) ?? at),
		...modelOf(model),
		...tokensOf([fieldsOf(tokens)['input']]),
	};
}

/** What a user typed; nothing if the client or agentmux itself wrote it. */
function promptOf(value: unknown, at: string | null = null): Partial<Doing> {
	if (typeof value !== 'string') return {};
	const text = value.trim();
	// Commands of the client, what it adds by itself, and notices of mail.
	if (text === '' || text.startsWith('<') || isWakeText(text) || isMailText(text)) return {};
	return {prompt: oneLine(text, maxBytes.prompt), ...(at === null ? {} : {prompted_at: at})};
}

/** The last line of a text. */
function saidOf(text: string | null, at: string | null): Partial<Doing> {
	const last = text?.split('\n').findLast(line => line.trim() !== '');
	return last === undefined ? {} : {said: oneLine(last, maxBytes.said), said_at: at};
}

function toolOf(call: Fields | undefined, input: string, at: string | null): Partial<Doing> {
	const {name, [input]: given} = call ?? {};
	if (typeof name !== 'string') return {};
	return {tool: cutBytes(name, maxBytes.tool), argument: argumentOf(given), tool_at: at};
}

/** The most telling argument of a tool, on one line. */
export function argumentOf(input: unknown): string | null {
	if (input === undefined || input === null) return null;
	const found = typeof input === 'string' ? input : (tellingText(fieldsOf(input)) ?? plain(input));
	const files = [...found.matchAll(/^\*\*\* (?:Add|Update|Delete) File: (.+)$/gm)].map(([, file = '']) => file);
	const text = files.length > 0 ? files.join(' ') : found;
	return text === '' ? null : oneLine(text, maxBytes.argument);
}

/** Fields of an input that say best what a tool does; Codex's shell calls its command `cmd`. */
const telling = ['command', 'cmd', 'file_path', 'notebook_path', 'url', 'query', 'pattern', 'description'];

function tellingText(input: Fields): string | null {
	for (const name of telling) {
		const value = input[name];
		if (typeof value === 'string' && value !== '') return value;
		// A list of words.
		if (Array.isArray(value) && value.every(word => typeof word === 'string')) return value.join(' ');
	}
	return null;
}

/** Of a tool that is not known: its first text, else all of it. */
function plain(input: unknown): string {
	const first = Object.values(fieldsOf(input)).find(value => typeof value === 'string' && value !== '');
	if (typeof first === 'string') return first;
	const text = JSON.stringify(input);
	return text === '{}' || text === '[]' ? '' : text;
}

function modelOf(model: unknown): Partial<Doing> {
	return typeof model === 'string' && model !== '' ? {model: cutBytes(model, maxBytes.model)} : {};
}

function tokensOf(counts: readonly unknown[]): Partial<Doing> {
	const known = counts.filter(count => typeof count === 'number');
	const tokens = known.reduce((sum, count) => sum + count, 0);
	return Number.isSafeInteger(tokens) && tokens > 0 ? {tokens} : {};
}

/** Masked before it is cut: a part of a secret may not look like one. */
function oneLine(text: string, max: number): string {
	return cutBytes(maskSecrets(cutText(text, 4000)).replaceAll(/\s+/g, ' ').trim(), max);
}

/** At most so many bytes of UTF-8. What a database cannot hold is replaced. */
function cutBytes(text: string, max: number): string {
	const whole = text.toWellFormed().replaceAll('\0', '␀');
	if (Buffer.byteLength(whole) <= max) return whole;
	let cut = cutText(whole, max - 3);
	while (Buffer.byteLength(cut) > max - 3) cut = cutText(cut, cut.length - 1);
	return `${cut}…`;
}

function textOf(content: unknown): string | null {
	if (typeof content === 'string') return content;
	const texts = listOf(content).flatMap(({text}) => (typeof text === 'string' ? [text] : []));
	return texts.length === 0 ? null : texts.join('\n');
}

function timeOf(value: unknown): string | null {
	return typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? value : null;
}

function parsed(text: unknown): unknown {
	try {
		return typeof text === 'string' ? (JSON.parse(text) as unknown) : text;
	} catch {
		return text;
	}
}

function fieldsOf(value: unknown): Fields {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): Fields[] {
	return Array.isArray(value) ? value.map(fieldsOf) : [];
}
