import {setTimeout as sleep} from 'node:timers/promises';
import {forgetClient, recordedClients} from '../../join/clients/client-owner.ts';
import {isRunning, processOf} from '../../join/clients/running-process.ts';
import {sessionsBelow} from '../../join/hook/hook-session.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';

interface DeadOptions {
	/** The state folder. */
	readonly state: string;
	readonly tag: Tag;
	/** The key of the client of this server; null if it does not identify itself. */
	readonly client: string | null;
	/** Whether that client only calls tools, so that nothing is done. */
	readonly isGuest: boolean;
	readonly mailbox: () => Promise<Pick<Mailbox, 'endSessions'>>;
	/** The process of that client: the one that started this server. */
	readonly parent?: number;
}

/** What an agent's server does for clients that were killed, which cannot sign off. Rejects with MailboxError. */
interface DeadClients {
	/** Ends the sessions of the agent's other clients that are dead. */
	readonly endOthers: () => Promise<void>;
	/**
	 * To be called when the client has closed its pipes: ends what the hooks of one that does not identify itself have reported, if it
	 * is dead. It may only have stopped its server.
	 */
	readonly endOwn: () => Promise<void>;
}

/** How often it is checked whether the client is dead, and the milliseconds between: its pipes are closed before it is. */
const checks = 10;
const pause = 100;

export function deadClients(options: DeadOptions): DeadClients {
	const {state, tag, client, isGuest, mailbox, parent = process.ppid} = options;
	// Now, because later the process above is another one.
	const own = client === null && !isGuest ? processOf(parent) : null;
	return {
		async endOthers() {
			if (isGuest) return;
			const others = recordedClients(state).filter(each => sameTag(each.tag, tag) && each.session !== client);
			const dead = others.filter(({isAlive}) => !isAlive);
			const sessions = dead.flatMap(({session}) => session ?? []);
			if (sessions.length > 0) await (await mailbox()).endSessions(sessions);
			for (const each of dead) forgetClient(each);
		},
		async endOwn() {
			if (own === null) return;
			const sessions = sessionsBelow(state, tag, own.pid);
			for (let check = 1; sessions.length > 0 && isRunning(own); check += 1) {
				if (check === checks) return;
				await sleep(pause);
			}
			const keys = sessions.flatMap(session => session.read().owner?.session ?? []);
			if (keys.length > 0) await (await mailbox()).endSessions(keys);
			for (const session of sessions) session.remove();
		},
	};
}
