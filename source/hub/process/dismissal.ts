import {DatabaseError, type Scope} from '../database/database.ts';
import type {FairDatabase} from '../database/fair-database.ts';
import {sharedCallerOf} from '../database/shared-caller.ts';
import type {Log} from '../files/log.ts';
import type {Caller, HubRequest} from '../http/http.ts';
import type {UnderWay} from '../http/under-way.ts';

/** Milliseconds; more than it takes to give up a statement that does not end when it is cancelled. */
const maxWait = 5000;

/**
 * Sees to it that nothing is done any more by who is shut out: what is under way is cancelled, and what cannot be cancelled any
 * more, because it is being committed, has come to its end before whoever shut it out is answered.
 */
export class Dismissal {
	readonly #database: Pick<FairDatabase, 'cancelCalls'>;
	readonly #underWay: UnderWay;
	readonly #log: Log;

	constructor(database: Pick<FairDatabase, 'cancelCalls'>, underWay: UnderWay, log: Log) {
		this.#database = database;
		this.#underWay = underWay;
		this.#log = log;
	}

	/** Cancels what the callers that are meant have in the database. */
	cancel(isMeant: (caller: Caller) => boolean): void {
		this.#database.cancelCalls(scope => isOfRequest(scope) && isMeant(scope), endedMeanwhile());
	}

	/** The same, and resolves when none of it can change anything any more. `request`: the one that shuts them out. */
	async dismiss(isMeant: (caller: Caller) => boolean, request: HubRequest): Promise<void> {
		this.cancel(isMeant);
		const left = await this.#underWay.settle(other => other !== request && isMeant(other.caller), maxWait);
		if (left > 0) this.#log(`Of those whose tokens have ended, ${left} requests have not come to their end yet.`);
	}
}

function isOfRequest(scope: Scope): boolean {
	const {isRequest, isOwner} = sharedCallerOf(scope);
	return isRequest || isOwner;
}

function endedMeanwhile(): DatabaseError {
	return new DatabaseError('the token of this request has ended meanwhile', '42501', 'Nothing of it was kept.');
}
