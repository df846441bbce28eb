import type {ClientId} from './dialect.ts';

/** An agent's program that started this process, directly or through a shell. */
export interface RunningClient {
	/** Null for a program that join cannot set up. */
	readonly id: ClientId | null;
	readonly name: string;
}

/**
 * Variables that each program sets only for the processes that it starts. Variables that its user sets for it (CODEX_HOME,
 * GEMINI_API_KEY, CLAUDE_CODE_USE_BEDROCK) or that an editor sets in every terminal (CLAUDE_CODE_SSE_PORT) do not count.
 */
const markers: readonly (RunningClient & {readonly variables: readonly string[]})[] = [
	{
		id: 'claude',
		name: 'Claude Code',
		variables: [
			'CLAUDECODE',
			'CLAUDE_CODE_ENTRYPOINT',
			'CLAUDE_CODE_SESSION_ID',
			'CLAUDE_CODE_MESSAGING_SOCKET',
			'CLAUDE_CODE_CHILD_SESSION',
		],
	},
	{
		id: 'codex',
		name: 'Codex',
		variables: [
			'CODEX_THREAD_ID',
			'CODEX_SESSION_ID',
			'CODEX_SANDBOX',
			'CODEX_SANDBOX_NETWORK_DISABLED',
			'CODEX_CI',
			'CODEX_SHELL',
		],
	},
	{id: 'gemini', name: 'Gemini CLI', variables: ['GEMINI_CLI']},
	{id: null, name: 'Cursor', variables: ['CURSOR_AGENT']},
	{id: null, name: 'OpenCode', variables: ['OPENCODE']},
	{id: null, name: 'an agent', variables: ['AI_AGENT']},
];

/** The variables by which a client is recognised. */
export const clientVariables: readonly string[] = markers.flatMap(({variables}) => variables);

/** The clients that this process runs inside of. A client that was started in another's shell has the variables of both. */
export function runningClients(env: NodeJS.ProcessEnv): RunningClient[] {
	return markers.filter(({variables}) => variables.some(name => isSet(env[name]))).map(({id, name}) => ({id, name}));
}

function isSet(value: string | undefined): boolean {
	const text = value?.trim().toLowerCase() ?? '';
	return text !== '' && text !== '0' && text !== 'false';
}
