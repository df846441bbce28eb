import {HubError} from '../../hub/files/error.ts';
import type {RunningHub} from '../../hub/process/find.ts';
import {verifyToken} from '../../hub/tokens/token.ts';
import {isOld, issueToken} from '../../hub/tokens/claims.ts';
import {requestToken, type Refused} from '../../hub/process/token-request.ts';
import {updateToken, readCredentials} from '../../join/files/credentials-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Identity} from './identity.ts';

interface TokenSubject extends Pick<Identity, 'tag' | 'kind' | 'isBound'> {
	/** The data folder; null: do not use the credentials that join left there. */
	readonly data: string | null;
	/** Used instead of the token that join left. */
	readonly token?: string | null | undefined;
	/** Finds the hub's current address and keys. Rejects with MailboxError. */
	readonly find?: () => Promise<RunningHub>;
}

/** Milliseconds between two attempts to renew a token that is still valid. */
const pause = 60_000;

/**
 * The token that opens a hub for one identity, for as long as the process lives. A human's token is made here, with the hub's
 * secret, for an hour at a time. An agent's is the one that join left, which is exchanged for a new one before it expires; if
 * the agent has not joined, the hub issues one.
 */
export class HubToken {
	readonly #subject: TokenSubject;
	/** Whether the agent had joined when this was created: then its token is the one in its file, and ends when the agent leaves. */
	readonly #hasJoined: boolean;
	#hub: RunningHub;
	/** A token that is not kept in a file. */
	#own: string | null;
	#triedAt = 0;

	constructor(hub: RunningHub, subject: TokenSubject) {
		this.#hub = hub;
		this.#subject = subject;
		this.#own = subject.token ?? null;
		const {kind, data, tag} = subject;
		this.#hasJoined = kind === 'agent' && this.#own === null && data !== null && readCredentials(data, tag) !== null;
	}

	/** To be called when the hub came back, perhaps under another address or with other keys. */
	follow(hub: RunningHub): void {
		this.#hub = hub;
	}

	/** The bearer token for the next request. Rejects with MailboxError, `unauthorized` if there is none any more. */
	async current(): Promise<string> {
		const {tag, kind, isBound, data} = this.#subject;
		const {jwt_secret} = this.#hub;
		if (kind === 'human') {
			if (this.#own === null || this.#isOld(this.#own)) this.#own = issueToken(jwt_secret, {tag, kind});
			return this.#own;
		}
		if (!this.#hasJoined || data === null) {
			if (this.#own === null || this.#isOld(this.#own)) this.#own = await this.#request(this.#own, {tag});
			return this.#own;
		}
		const credentials = readCredentials(data, tag);
		if (credentials === null) throw noToken(tag, `${tag} has left`);
		const {token} = credentials;
		// Signed by keys that this process does not know yet.
		if (token !== null && !this.#isOurs(token))
			this.#hub = (await this.#subject.find?.().catch(() => null)) ?? this.#hub;
		if (token !== null && !this.#isOld(token)) return token;
		if (token !== null && this.#isOurs(token)) return this.#keep(data, token, {token});
		// The keys were replaced, but the token was not. A process that is bound to this agent has no other way to sign in.
		if (!isBound) return this.#keep(data, token, {tag});
		if (token !== null) return token;
		throw noToken(tag, `${tag} has no token for the local hub: it joined a Supabase project`);
	}

	/** Asks the hub for a token to replace `former`, and leaves it for the agent's hooks. */
	async #keep(data: string, former: string | null, wanted: Parameters<typeof requestToken>[1]): Promise<string> {
		const token = await this.#request(former, wanted);
		if (token === former) return token;
		try {
			updateToken(data, this.#subject.tag, former, {key: this.#hub.anon_key, token});
		} catch {
			// The disk may be full. The token still works for this request, and the next one tries again.
		}
		return token;
	}

	/** A valid token stays in use while a new one cannot be had. */
	async #request(former: string | null, wanted: Parameters<typeof requestToken>[1]): Promise<string> {
		const holds = former !== null && 'claims' in verifyToken(this.#hub.jwt_secret, former);
		const now = performance.now();
		if (holds && this.#triedAt !== 0 && now - this.#triedAt < pause) return former;
		this.#triedAt = now;
		try {
			const answer = await requestToken(this.#hub, wanted);
			if ('token' in answer) return answer.token;
			throw refused(this.#subject.tag, answer);
		} catch (error) {
			if (!(error instanceof HubError)) throw error;
			if (holds) return former;
			throw new MailboxError('offline', error.message, error.remedy, {cause: error});
		}
	}

	#isOld(token: string): boolean {
		const verified = verifyToken(this.#hub.jwt_secret, token);
		return 'fault' in verified || isOld(verified.claims);
	}

	/** Whether this hub signed it, even if it has expired. */
	#isOurs(token: string): boolean {
		return 'claims' in verifyToken(this.#hub.jwt_secret, token, {leeway: Infinity});
	}
}

function refused(tag: Tag, {message, hint}: Refused): MailboxError {
	const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
	return hint === '' ? noToken(tag, message) : new MailboxError('unauthorized', sentence, hint);
}

function noToken(tag: Tag, why: string): MailboxError {
	return new MailboxError('unauthorized', `${why}.`, `Run \`agentmux join ${tag}\` in its folder to create a token.`);
}
