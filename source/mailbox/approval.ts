import type {Json} from './json.ts';
import type {Statement} from './signature.ts';
import type {Tag} from './tag.ts';

export const approvalStates = ['waiting', 'allowed', 'denied', 'terminal', 'expired', 'refused'] as const;
/**
 * `terminal`: answered at the agent's own terminal. `expired`: nobody answered in time. `refused`: the agent's hook did not accept the
 * answer.
 */
type ApprovalState = (typeof approvalStates)[number];

/** What an agent's client asks before it runs a tool, and what a human answered. */
export interface Approval {
	readonly id: number;
	/** A UUID that the hook made which waits for the answer. */
	readonly request: string;
	readonly tag: Tag;
	/** The agent's client: `claude`, `codex`. */
	readonly client: string;
	readonly tool: string;
	/** The tool's whole input, as JSON. */
	readonly input: string;
	readonly cwd: string;
	readonly state: ApprovalState;
	/** ISO 8601, as all times here. */
	readonly asked_at: string;
	/** Until when the client waits for a human here. */
	readonly waits_until: string;
	/** The answer as it was signed (`Answer` as JSON); null if there is none. */
	readonly answer: string | null;
	readonly signature: Json;
	readonly decided_by: Tag | null;
	readonly decided_at: string | null;
	/** When it was handed to the client. */
	readonly taken_at: string | null;
	/** Why it was denied or refused, or the rule that answered it. */
	readonly reason: string | null;
	readonly ended_at: string | null;
}

/** What exactly a human was shown and answers. */
export type Question = Pick<Approval, 'tool' | 'input' | 'cwd'>;

/** A human's answer, as it is signed. */
export interface Answer {
	readonly behavior: 'allow' | 'deny';
	/** The digest of the question (`questionDigest`): the answer is to nothing else. */
	readonly question: string;
	/** For the agent: why it was denied. */
	readonly message?: string;
	/** Whether the agent is to stop. Only Claude Code does. */
	readonly interrupt?: true;
	/** The input to use instead of the one that was shown. Only Claude Code does. */
	readonly input?: {readonly [name: string]: Json};
	/** Whether the client is to allow the like without asking, until its session ends. Only Claude Code does. */
	readonly session?: true;
}

/** What a human decides; the question is added when it is signed. */
export type Decision = Omit<Answer, 'question'>;

/** The SHA-256 of a question, in hexadecimal: of a JSON array, so that no two questions have the same text. */
export async function questionDigest({tool, cwd, input}: Question): Promise<string> {
	const bytes = new TextEncoder().encode(JSON.stringify([tool, cwd, input]));
	return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');
}

/** What a human signs to answer a request (docs/signatures.md). */
export function answerStatement(request: string, answer: string): Omit<Statement, 'mailbox_id' | 'tag'> {
	return {kind: 'approval', subject: request, content: answer, reply_to: null};
}

/** Parses a signed answer; null if it is not one. */
export function readAnswer(text: string | null): Answer | null {
	let value: unknown;
	try {
		value = JSON.parse(text ?? '');
	} catch {
		return null;
	}
	const {behavior, question, message, interrupt, input, session} = (value ?? {}) as {
		readonly [name in keyof Answer]?: unknown;
	};
	if ((behavior !== 'allow' && behavior !== 'deny') || typeof question !== 'string') return null;
	const isInput = typeof input === 'object' && input !== null && !Array.isArray(input);
	return {
		behavior,
		question,
		...(typeof message === 'string' ? {message} : {}),
		...(interrupt === true ? {interrupt} : {}),
		...(isInput ? {input: input as {readonly [name: string]: Json}} : {}),
		...(session === true ? {session} : {}),
	};
}

/** Fields of an input that say best what a tool is to do, by which a rule can name it. */
const telling = ['command', 'file_path', 'notebook_path', 'url', 'query', 'pattern', 'description'];

/** The field of an input that says best what the tool is to do; null if there is none. Throws nothing. */
export function tellingField(input: string): {readonly name: string; readonly value: string} | null {
	let fields: unknown;
	try {
		fields = JSON.parse(input);
	} catch {
		return null;
	}
	if (typeof fields !== 'object' || fields === null) return null;
	for (const name of telling) {
		const value = (fields as {readonly [name: string]: unknown})[name];
		if (typeof value === 'string' && value !== '') return {name, value};
		// Codex's shell takes a list of words.
		if (Array.isArray(value) && value.every(word => typeof word === 'string')) return {name, value: value.join(' ')};
	}
	return null;
}

/** The fields of an input with their values as text, in order; the whole input under an empty name if it has none. Remote text. */
export function inputFields(input: string): ReadonlyArray<{readonly name: string; readonly value: string}> {
	let fields: unknown;
	try {
		fields = JSON.parse(input);
	} catch {
		fields = null;
	}
	if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return [{name: '', value: input}];
	return Object.entries(fields).map(([name, value]) => ({
		name,
		value: typeof value === 'string' ? value : JSON.stringify(value),
	}));
}

/** One line: `Bash npm test`. Remote text, not made printable. */
export function approvalTitle({tool, input}: Pick<Approval, 'tool' | 'input'>): string {
	const value = tellingField(input)?.value ?? (input === '{}' ? '' : input);
	return `${tool} ${value}`.trim().replaceAll(/\s+/g, ' ');
}
