import type {ServerNotification, Tool as ListedTool, ToolAnnotations} from '@modelcontextprotocol/sdk/types.js';
import {z} from 'zod';
import {checkArguments} from '../arguments/check.ts';
import {shortSchema} from '../arguments/schema.ts';
import type {RequestId} from './after-answer.ts';

/** A client's call of a tool. */
export interface ToolCall {
	readonly requestId: RequestId;
	/** Aborted if the client cancels the call or goes away. */
	readonly signal: AbortSignal;
	/** Bytes that its answer may have, as JSON. */
	readonly room: number;
	/** What the client wants progress reported under, if it does. */
	readonly progressToken: string | number | undefined;
	readonly notify: (notification: ServerNotification) => Promise<void>;
}

export interface Tool {
	/** As clients list it. */
	readonly listed: ListedTool;
	/** Whether it is not listed where each tool costs much. */
	readonly rare: boolean;
	/** Resolves with the lines of the answer. Rejects with MailboxError, also if the arguments are not its own. */
	run(sent: unknown, call: ToolCall): Promise<readonly string[]>;
}

interface Definition<Shape extends z.ZodRawShape> {
	readonly name: string;
	readonly title: string;
	/** What a model has to know to choose it, and no more: all sessions have it in their context. */
	readonly description: string;
	readonly input: Shape;
	/** Whether it writes nothing. */
	readonly readOnly?: boolean;
	/** Whether calling it again with the same arguments changes nothing. */
	readonly idempotent?: boolean;
	/** Whether a client that looks tools up before their first use, as Claude Code does, has this one at hand from the start. */
	readonly alwaysLoad?: boolean;
	/** Whether an agent rarely needs it, so that it is not listed for clients in which each tool costs much. */
	readonly rare?: boolean;
}

export function defineTool<Shape extends z.ZodRawShape>(
	{
		name,
		title,
		description,
		input,
		readOnly = false,
		idempotent = false,
		alwaysLoad = false,
		rare = false,
	}: Definition<Shape>,
	run: (args: z.output<z.ZodObject<Shape>>, call: ToolCall) => Promise<readonly string[]>,
): Tool {
	const schema = z.strictObject(input);
	const listed = shortSchema(schema);
	const annotations: ToolAnnotations = readOnly
		? {title, readOnlyHint: true, openWorldHint: false}
		: {title, readOnlyHint: false, destructiveHint: false, idempotentHint: idempotent, openWorldHint: false};
	return {
		listed: {
			name,
			description,
			inputSchema: listed as ListedTool['inputSchema'],
			annotations,
			...(alwaysLoad ? {_meta: {'anthropic/alwaysLoad': true}} : {}),
		},
		rare,
		async run(sent, call) {
			const {args, remarks} = checkArguments({name, schema, listed}, sent);
			return [...(await run(args, call)), ...remarks];
		},
	};
}
