import {MailboxError} from '../../mailbox/error.ts';
import type {Json} from '../../mailbox/json.ts';
import type {Message, MessageRow} from '../../mailbox/message.ts';
import type {Statement} from '../../mailbox/signature.ts';
import type {Signatures} from '../../mailbox/signatures.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {RequestOptions, Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readMessage, readState, type MailboxState} from './rows.ts';
import {hasSignature, withSigned} from './signed.ts';

/** Milliseconds before each further attempt of a post. */
export const postPauses = [200, 800, 2000];

/** Turns rows into messages with their signatures, and signs new ones. Both need to know which mailbox this is. */
export class MessageRows {
	readonly #requests: Requests;
	/** The tag that it writes as, which is asked for when it signs. */
	readonly #tag: () => Tag;
	readonly #signatures: Signatures | undefined;
	/** The latest answer of the database; undefined if it was not asked yet. */
	#mailboxId: string | null | undefined;

	constructor(requests: Requests, tag: () => Tag, signatures?: Signatures) {
		this.#requests = requests;
		this.#tag = tag;
		this.#signatures = signatures;
	}

	async state(options?: RequestOptions): Promise<MailboxState> {
		const [state] = rows(readState, await this.#requests.rpc('mailbox_state', {}, options));
		if (state === undefined) throw new MailboxError('schema', 'The mailbox has no epoch: mux_meta is empty.');
		this.#mailboxId = state.mailbox_id;
		return state;
	}

	/** The messages in the data of a response. Throws `schema` if it has other rows. */
	async read(data: unknown): Promise<Message[]> {
		return this.of(rows(readMessage, data));
	}

	/** The messages of rows. Asks which mailbox this is, once, if any of them is signed. */
	async of(found: readonly MessageRow[]): Promise<Message[]> {
		if (this.#mailboxId === undefined && found.some(hasSignature)) await this.state();
		return found.map(row => this.message(row));
	}

	/** The message of a row that arrived live, when it is known which mailbox this is. */
	message(row: MessageRow): Message {
		return withSigned(row, this.#mailboxId ?? null, this.#signatures);
	}

	/** The signature for a new message or redaction, if its author signs. Asks the database each time: it may be another one now. */
	async sign(statement: Omit<Statement, 'mailbox_id' | 'tag'>): Promise<{signature?: Json}> {
		const sign = this.#signatures?.sign ?? null;
		if (sign === null) return {};
		const {mailbox_id} = await this.state({pauses: postPauses});
		if (mailbox_id === null) return {};
		return {signature: {...(await sign({...statement, mailbox_id, tag: this.#tag()}))}};
	}
}
