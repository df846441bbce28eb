import type {ClientId} from './dialect.ts';
import type {HookEvent} from '../hook/hook-input.ts';

/** Events for which nobody waits, or which end a turn: these hooks are worth more than a moment. */
const patient: ReadonlySet<HookEvent> = new Set(['FileChanged', 'CwdChanged', 'Stop', 'StopFailure', 'SessionEnd']);

/**
 * Seconds for which a client can be kept waiting for a human's answer to its request; 0: it takes none. Claude Code shows its own
 * question meanwhile. Codex hides it.
 */
export const answerTime = {claude: 590, codex: 20, gemini: 0} as const satisfies {
	readonly [client in ClientId]: number;
};

/** Milliseconds for a hook that holds up the agent: 300 with its exit. */
const short = 240;
/** For one that knows that mail waits. */
const withMail = 2000;
/** For the others, by client. */
const long = {claude: 4000, codex: 2400, gemini: 2400} as const;
/** Milliseconds from the start of the process; soon afterwards the client would kill it (Client.timeout), and nobody would know. */
const last = {claude: 4600, codex: 2700, gemini: 2700} as const;

interface Circumstances {
	readonly client: ClientId;
	readonly event: HookEvent;
	/** Whether mail is known to wait. */
	readonly mailWaits: boolean;
	/** The age of the process at the first line of our code: on a busy machine Node itself takes seconds to start. */
	readonly begun: number;
	/** AGENTMUX_HOOK_TIMEOUT: another limit for hooks that hold up the agent, as for a project that is far away. */
	readonly set: number | null;
}

/** The age of the process at which a hook gives up, in milliseconds. */
export function timeLimit({client, event, mailWaits, begun, set}: Circumstances): number {
	// Claude Code shows its own question meanwhile.
	const isPatient = patient.has(event) || (event === 'PermissionRequest' && client === 'claude');
	if (isPatient) return Math.max(begun + (set ?? 0), Math.min(begun + long[client], last[client]));
	if (set !== null) return begun + set;
	return mailWaits ? Math.min(begun + withMail, last[client]) : begun + short;
}
